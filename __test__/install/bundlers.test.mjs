import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runtime } from '../../scripts/runtimes.mjs'
import { decode } from '../support/decode.mjs'
import { freePort } from '../support/ports.mjs'
import { setup, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { startRegistry } from './registry.mjs'
import { TARBALLS } from './tarballs.mjs'

const PROJECT = fileURLToPath(new URL('bundlers/', import.meta.url))
const PAGES = ['en', 'zh'].map((language) =>
  readFileSync(fileURLToPath(new URL(`../../docs/${language}/deployment.md`, import.meta.url)), 'utf8'),
)
const NPM = process.env.npm_execpath
/** A build of Next.js takes a minute on two cores, and here there are others beside it. */
const SLOW = { timeout: 1_200_000 }
const run = promisify(execFile)

/** Commands in the project. With `file`, where the bundle is. */
const ESBUILD = ['esbuild/bin/esbuild', 'program.js', '--bundle', '--platform=node']
const WEBPACK = ['webpack-cli/bin/cli.js']
const ROLLUP = ['rollup/dist/bin/rollup', '--config']
const VITE = ['vite/bin/vite.js', 'build']
const NCC = ['@vercel/ncc/dist/ncc/cli.js', 'build', 'program.js', '--out', 'dist/ncc']
const NEXT = ['next/dist/bin/next', 'build']

/** By the line that the documents have: node_modules stays where the program runs. */
const EXTERNAL = {
  esbuild: { args: [...ESBUILD, '--external:wxacode', '--outfile=dist/external.cjs'], file: 'dist/external.cjs' },
  'esbuild, an ES module': {
    args: [...ESBUILD, '--external:wxacode', '--format=esm', '--outfile=dist/external.mjs'],
    file: 'dist/external.mjs',
  },
  webpack: { args: [...WEBPACK, '--env', 'external'], file: 'dist/webpack/external.cjs' },
  Rollup: {
    args: [...ROLLUP, '--environment', 'EXTERNAL', '--file', 'dist/rollup-external.mjs'],
    file: 'dist/rollup-external.mjs',
  },
  'Vite SSR, which needs no line': { args: [...VITE, '--mode', 'external'], file: 'dist/vite-external/program.mjs' },
}

/** Without a line: the package is in the bundle, but not its addon. */
const BUNDLED = {
  esbuild: { args: [...ESBUILD, '--outfile=dist/esbuild/bundled.cjs'], file: 'dist/esbuild/bundled.cjs' },
  webpack: { args: WEBPACK, file: 'dist/webpack/bundled.cjs' },
  Rollup: {
    args: [...ROLLUP, '--format', 'cjs', '--file', 'dist/rollup/bundled.cjs'],
    file: 'dist/rollup/bundled.cjs',
  },
  'Vite SSR with noExternal': { args: [...VITE, '--mode', 'bundled'], file: 'dist/vite-bundled/program.mjs' },
}

/** The same as an ES module, which does not know its folder and finds no addon there. Vite's does. */
const OF_ROLLUP = { args: [...ROLLUP, '--file', 'dist/rollup/bundled.mjs'], file: 'dist/rollup/bundled.mjs' }

let registry
let folder
let addon
before(async () => {
  registry = await startRegistry(TARBALLS, await npm(tmpdir(), 'config', 'get', 'registry'))
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'wxacode-bundlers-')))
  cpSync(PROJECT, folder, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts', '--prefer-offline']
  await npm(folder, 'install', '--registry', registry.url, ...options)
  const [name] = readdirSync(join(folder, 'node_modules')).filter((name) => name.startsWith('wxacode-'))
  addon = createRequire(join(folder, 'program.js')).resolve(name)
})
after(() => {
  registry.close()
  rmSync(folder, { recursive: true, force: true })
})

suite(
  'a bundle',
  (test) => {
    for (const [name, { args, file }] of Object.entries(EXTERNAL)) {
      test(`${name}: with the documented line it gets a code and ends`, async (t) => {
        await quietly(args)
        await getsACode(t, process.execPath, join(folder, file))
      })
    }

    for (const [name, { args, file }] of Object.entries(BUNDLED)) {
      test(`${name}: without a line it runs beside node_modules, and elsewhere with the addon beside it`, async (t) => {
        await quietly(args)
        await getsACode(t, process.execPath, join(folder, file))
        const copy = elsewhere(t, join(folder, file))
        assertAdvice(await failureOf(process.execPath, copy))
        copyFileSync(addon, join(dirname(copy), basename(addon)))
        await getsACode(t, process.execPath, copy)
      })
    }

    test('Rollup: a whole ES module says which line is missing', async (t) => {
      await quietly(OF_ROLLUP.args)
      const copy = elsewhere(t, join(folder, OF_ROLLUP.file))
      copyFileSync(addon, join(dirname(copy), basename(addon)))
      assertAdvice(await failureOf(process.execPath, copy))
    })

    test('ncc: without a line it takes the addon along', async (t) => {
      await quietly(NCC)
      const moved = elsewhere(t, join(folder, 'dist/ncc'))
      await getsACode(t, process.execPath, join(moved, 'index.js'))
    })

    test('the files that Vercel collects for a function have the addon among them', async () => {
      const { nodeFileTrace } = createRequire(join(folder, 'program.js'))('@vercel/nft')
      const { fileList } = await nodeFileTrace([join(folder, 'program.js')], { base: folder })
      assert.ok(fileList.has(addon.slice(folder.length + 1).replaceAll('\\', '/')), [...fileList].join('\n'))
    })

    for (const [node, make] of Object.entries({ 'node@26': built, 'node@22': injected })) {
      test(`a single executable of ${node} takes the addon from its folder`, SLOW, async (t) => {
        const { program } = runtime(node)
        const here = mkdtempSync(join(tmpdir(), 'wxacode-sea-'))
        t.after(() => rmSync(here, { recursive: true }))
        await quietly([...ESBUILD, `--outfile=${join(here, 'bundle.cjs')}`])
        const executable = await make(here, program)
        assertAdvice(await failureOf(executable))
        copyFileSync(addon, join(here, basename(addon)))
        await getsACode(t, executable)
      })
    }

    test('an executable of Bun takes the addon from its folder', SLOW, async (t) => {
      const here = mkdtempSync(join(tmpdir(), 'wxacode-bun-'))
      t.after(() => rmSync(here, { recursive: true }))
      const executable = join(here, 'program')
      const project = join(here, 'project')
      // It remembers where the addon was, so the project is gone before the program runs.
      for (const name of ['program.js', 'node_modules/wxacode', `node_modules/${basename(dirname(addon))}`]) {
        cpSync(join(folder, name), join(project, name), { recursive: true })
      }
      const args = ['build', '--compile', 'program.js', '--outfile', executable]
      await run(runtime('bun@1').program, args, { cwd: project })
      rmSync(project, { recursive: true })
      assertAdvice(await failureOf(executable))
      copyFileSync(addon, join(here, basename(addon)))
      await getsACode(t, executable)
    })

    for (const [name, flags] of Object.entries({ Turbopack: [], webpack: ['--webpack'] })) {
      test(`Next.js with ${name}: a standalone build without secrets serves codes elsewhere`, SLOW, async (t) => {
        const distDir = `dist/next-${name}`
        await quietly([...NEXT, ...flags], { DIST_DIR: distDir })
        await servesCodes(t, elsewhere(t, join(folder, distDir, 'standalone')))
      })
    }

    test('Next.js with Turbopack: a build without the line says which one is missing', SLOW, async () => {
      const error = await project(NEXT, { DIST_DIR: 'dist/next-bundled', BUNDLED: '1' }).catch((error) => error)
      assertAdvice(`${error.stdout}${error.stderr}`)
    })

    test('the versions are those of the documents', () => {
      const { dependencies, devDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
      const versions = { ...dependencies, ...devDependencies }
      for (const name of ['esbuild', 'webpack', 'rollup', 'vite', '@vercel/ncc', '@vercel/nft', 'next']) {
        for (const page of PAGES) assert.ok(page.includes(`| ${versions[name]} |`), `${name} ${versions[name]}`)
      }
    })
  },
  { concurrency: 2 },
)

/** A program of the project's packages, without any WXACODE variable. */
function project([program, ...args], env = {}) {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WXACODE_')))
  const more = { CI: 'true', NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', NODE_TEST_CONTEXT: undefined, ...env }
  const file = join(folder, 'node_modules', program)
  return run(process.execPath, [file, ...args], { cwd: folder, env: { ...own, ...more }, maxBuffer: 2 ** 24 })
}

/** A build that warns of nothing. */
async function quietly(args, env) {
  const { stdout, stderr } = await project(args, env).catch((error) =>
    assert.fail(`${error.message}\n${error.stdout}\n${error.stderr}`),
  )
  assert.doesNotMatch(stdout + stderr, /warn|critical dependency|not found/i)
}

/** Runs a program to its end, which comes by itself, and looks at the code that it has fetched. */
async function getsACode(t, program, ...args) {
  const { options } = await setup(t, {}, {})
  const env = { ...process.env, ...accountIn(options), NODE_TEST_CONTEXT: undefined }
  const { stdout } = await run(program, args, { cwd: tmpdir(), env, maxBuffer: 2 ** 24, timeout: 60_000 })
  const { image, status } = JSON.parse(stdout)
  assert.equal(decode(Buffer.from(image, 'base64')).asked.scene, 'id=42')
  assert.equal(status, 400)
}

/** What a program says that does not start. */
async function failureOf(program, ...args) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const { stderr } = await run(program, args, { cwd: tmpdir(), env }).then(
    () => assert.fail(`${program} ${args} started`),
    (error) => error,
  )
  return stderr
}

/** That it names the line of each bundler in both languages, and does not tell to install again. */
function assertAdvice(printed) {
  const [text] = /wxacode is in a bundle, .* \| wxacode 被打进了产物，.*/.exec(printed) ?? assert.fail(printed)
  for (const line of ['--external:wxacode', 'externals: [/^wxacode/]', "serverExternalPackages: ['wxacode']"]) {
    assert.equal(text.split(' | ').filter((part) => part.includes(line)).length, 2, line)
  }
  assert.ok(text.includes(basename(addon)))
  assert.doesNotMatch(text, /Install again/)
}

/** Moves a bundle into a folder of its own, which has no node_modules above it. */
function elsewhere(t, path) {
  const here = mkdtempSync(join(tmpdir(), 'wxacode-elsewhere-'))
  t.after(() => rmSync(here, { recursive: true }))
  const moved = join(here, basename(path))
  renameSync(path, moved)
  return moved
}

async function servesCodes(t, standalone) {
  const { options, fake } = await setup(t, {}, {})
  const port = await freePort()
  const env = {
    ...process.env,
    ...accountIn(options),
    PORT: `${port}`,
    HOSTNAME: '127.0.0.1',
    NODE_TEST_CONTEXT: undefined,
  }
  const server = spawn(process.execPath, ['server.js'], {
    cwd: standalone,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  t.after(() => server.kill('SIGKILL'))
  const get = () => fetch(`http://127.0.0.1:${port}/code/42`).catch(() => undefined)
  const response = await until(get)
  assert.equal(response.status, 200)
  assert.equal(decode(Buffer.from(await response.arrayBuffer())).asked.scene, 'id=42')
  assert.equal(fake.count('codes'), 1)
  const ended = once(server, 'exit')
  server.kill('SIGTERM')
  await ended
}

/** With Node 25 and later, in one step. */
async function built(here, node) {
  const executable = join(here, 'program')
  writeConfig(here, executable)
  await run(node, ['--build-sea', 'sea.json'], { cwd: here })
  return executable
}

/** With Node before 25: a copy of Node, and a blob that postject writes into it. */
async function injected(here, node) {
  const executable = join(here, 'program')
  writeConfig(here, 'program.blob')
  await run(node, ['--experimental-sea-config', 'sea.json'], { cwd: here })
  copyFileSync(realpathSync(node), executable)
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2']
  await project(['postject/dist/cli.js', executable, 'NODE_SEA_BLOB', join(here, 'program.blob'), ...fuse])
  return executable
}

const writeConfig = (here, output) =>
  writeFileSync(
    join(here, 'sea.json'),
    JSON.stringify({ main: 'bundle.cjs', output, disableExperimentalSEAWarning: true }),
  )

async function npm(cwd, ...args) {
  const { stdout } = await run(process.execPath, [NPM, ...args], { cwd, maxBuffer: 2 ** 24 })
  return stdout.trim()
}

const accountIn = ({ appid, secret, baseUrl }) => ({
  WXACODE_APPID: appid,
  WXACODE_SECRET: secret,
  WXACODE_BASE_URL: baseUrl,
})
