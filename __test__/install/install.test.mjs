import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NODES, runtime } from '../../scripts/runtimes.mjs'
import { decode } from '../support/decode.mjs'
import { setup, suite } from '../support/suite.mjs'
import { startRegistry } from './registry.mjs'
import { manifestOf, TARBALLS, tarballOf } from './tarballs.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const USER = fileURLToPath(new URL('user/', import.meta.url))
const NPM = process.env.npm_execpath
const run = promisify(execFile)

/** Each with the tsconfig.json of the user that it is for. */
const COMPILERS = {
  'TypeScript 7': join(ROOT, 'node_modules/typescript/bin/tsc'),
  'TypeScript 6': join(ROOT, 'docs/node_modules/typescript/bin/tsc'),
}
const PROGRAMS = ['node16/user.mjs', 'node16/user.cjs', 'bundler/user.mjs', 'bundler/user.cjs']

let registry
let nodePrograms
before(async () => {
  // Those that are not there are fetched, and this process does nothing else meanwhile: no fake of a test could answer.
  nodePrograms = new Map(NODES.map((name) => [name, runtime(name).program]))
  registry = await startRegistry(TARBALLS)
})
after(() => registry.close())

suite(
  'an installed package',
  (test) => {
    for (const name of NODES) {
      test(`from nothing to a code with ${name}: ES module and CommonJS`, async (t) => {
        const project = await installed(t, name)
        await compile(project, COMPILERS['TypeScript 7'])
        const { fake, options } = await setup(t, {}, {})
        for (const program of PROGRAMS) {
          const before = fake.count('codes')
          const used = JSON.parse(await project.node([join('out', program)], accountIn(options)))
          const { type, asked } = decode(Buffer.from(used.image, 'base64'))
          assert.deepEqual(
            { ...used, image: { type, asked } },
            {
              image: { type: 'image/jpeg', asked: { ...asked, scene: 'id=42', page: 'pages/index/index' } },
              type: 'image/jpeg',
              refused: ['InvalidParamsError', 'scene', 40129],
              answered: ['WeChatAPIError', 41030],
              status: 200,
            },
          )
          assert.equal(fake.count('codes') - before, 3)
        }
      })
    }

    for (const [name, tsc] of Object.entries(COMPILERS)) {
      test(`${name} finds the types with node16 and bundler resolution, with nothing skipped`, async (t) => {
        await compile(await installed(t, NODES[0]), tsc)
      })
    }

    test('only the addon of this platform is fetched', async (t) => {
      const own = await startRegistry(TARBALLS)
      t.after(() => own.close())
      const project = await installed(t, NODES[0], '--registry', own.url)
      const packages = readdirSync(join(project.folder, 'node_modules')).filter((name) => !name.startsWith('.'))
      assert.equal(packages.length, 2)
      assert.ok(packages.includes('wxacode'))
      assert.equal(own.served.size, 2)
    })

    for (const name of Object.keys(manifestOf(tarballOf('wxacode')).optionalDependencies)) {
      const { os, cpu, libc } = manifestOf(tarballOf(name))
      const flags = Object.entries({ os, cpu, libc }).flatMap(([flag, value]) => (value ? [`--${flag}=${value}`] : []))
      test(`${flags.join(' ')} fetches ${name}, and no other addon`, async (t) => {
        // `npm ci` obeys the lock file, which is the same whichever platform it was written for.
        const project = await installed(t, NODES[0])
        await project.npm('ci', '--omit=dev', ...flags)
        const packages = readdirSync(join(project.folder, 'node_modules')).filter((name) => !name.startsWith('.'))
        assert.deepEqual(packages.sort(), ['wxacode', name])
      })
    }

    test('without the package of the addon it says what to do, in both languages', async (t) => {
      const project = await installed(t, NODES[0], '--omit=optional')
      const message = await project.node(['-p', `try { require('wxacode') } catch (error) { error.message }`])
      assert.match(message, /is not installed\. Install again .* without --omit=optional/)
      assert.match(message, /没有安装 .*原生模块。请/)
      assert.ok(message.includes(`${process.platform}-${process.arch}`))
    })

    test('with an addon that does not load it says why and what to do', async (t) => {
      const project = await installed(t, NODES[0])
      const [addon] = readdirSync(join(project.folder, 'node_modules')).filter((name) => name.startsWith('wxacode-'))
      const folder = join(project.folder, 'node_modules', addon)
      writeFileSync(join(folder, `${addon.replace('wxacode-', 'wxacode.')}.node`), 'not a library')
      const message = await project.node(['-p', `try { require('wxacode') } catch (error) { error.message }`])
      assert.match(message, /cannot be loaded \(.+\)\. Install again .* copied from another system/)
      assert.match(message, /无法加载 .*。请在实际运行它的机器或镜像里重新安装/)
    })
  },
  { concurrency: 2 },
)

/** An empty project outside this folder with wxacode in it, by an npm and a Node that see no compiler and no Rust. */
async function installed(t, name, ...flags) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-user-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = nodePrograms.get(name)
  const env = { PATH: dirname(program), HOME: folder, npm_config_cache: join(folder, '.npm') }
  for (const tool of ['cargo', 'rustc', 'cc', 'gcc', 'clang', 'make', 'python3']) {
    assert.equal(spawnSync(tool, ['--version'], { env }).error?.code, 'ENOENT', `${tool} is within reach`)
  }
  const node = async (args, more) => {
    const { stdout } = await run(program, args, { cwd: folder, env: { ...env, ...more }, maxBuffer: 2 ** 24 })
    return stdout
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const options = ['--registry', registry.url, '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier']
  const npm = (...args) => node([NPM, args[0], ...options, ...args.slice(1)])
  await npm('install', 'wxacode', ...flags)
  return { folder, node, npm }
}

/** Compiles the user's sources in both ways. Node's own types are this folder's. */
async function compile({ folder }, tsc) {
  cpSync(USER, folder, { recursive: true })
  for (const config of ['tsconfig.node16.json', 'tsconfig.bundler.json']) {
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types')]
    await run(process.execPath, [tsc, '--project', config, ...types], { cwd: folder }).catch(({ stdout }) => {
      assert.fail(`${config}: ${stdout}`)
    })
  }
}

const accountIn = ({ appid, secret, baseUrl }) => ({
  WXACODE_APPID: appid,
  WXACODE_SECRET: secret,
  WXACODE_BASE_URL: baseUrl,
})
