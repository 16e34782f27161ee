import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decode } from '../support/decode.mjs'
import { freePort } from '../support/ports.mjs'
import { setup, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { startRegistry } from './registry.mjs'
import { TARBALLS } from './tarballs.mjs'

const EXAMPLE = fileURLToPath(new URL('../../examples/docker/', import.meta.url))
const NPM = process.env.npm_execpath
const run = promisify(execFile)

/** The Dockerfile as instructions, each with its argument. */
const INSTRUCTIONS = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8')
  .replace(/^#.*\n/gm, '')
  .replaceAll('\\\n', '')
  .split('\n')
  .filter(Boolean)
  .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line).slice(1))
/** Of each stage, which begins with FROM, and of what stands before the first one. */
const STAGES = INSTRUCTIONS.reduce(
  (stages, [name, argument]) => {
    if (name === 'FROM') stages.push([])
    stages.at(-1).push([name, argument])
    return stages
  },
  [[]],
)
const [FIRST, LAST] = [STAGES[1], STAGES.at(-1)]
const argumentsOf = (stage, name) => stage.filter(([one]) => one === name).map(([, argument]) => argument)
const listIn = (argument) => JSON.parse(argument.slice(argument.indexOf('[')))

let registry
before(async () => {
  registry = await startRegistry(TARBALLS)
})
after(() => registry.close())

// Without Docker: what it would do is done in two folders, with the Node and the npm of these tests.
suite('the Dockerfile of the documents', (test) => {
  test('has all it copies, installs without the development dependencies, starts, is well, and ends on SIGTERM', async (t) => {
    const [context, first, last] = ['context', 'first', 'last'].map((name) => folderFor(t, name))
    await fillContext(context)
    for (const argument of argumentsOf(FIRST, 'COPY')) copy(argument, context, first)
    for (const argument of argumentsOf(FIRST, 'RUN')) await npm(first, ...npmArgumentsOf(argument))
    assert.ok(!existsSync(join(first, 'node_modules/wxacode-scene')))
    for (const argument of argumentsOf(LAST, 'COPY'))
      copy(argument, argument.includes('--from=') ? first : context, last)

    const { options } = await setup(t, {}, {})
    const port = await freePort()
    const env = { ...process.env, ...accountIn(options), PORT: `${port}`, NODE_TEST_CONTEXT: undefined }
    const [program, ...args] = listIn(argumentsOf(LAST, 'CMD')[0])
    assert.equal(program, 'node')
    const server = spawn(process.execPath, args, { cwd: last, env, stdio: 'inherit' })
    t.after(() => server.kill('SIGKILL'))
    const ended = once(server, 'exit')

    const isWell = async () => {
      const [node, ...args] = listIn(argumentsOf(LAST, 'HEALTHCHECK')[0])
      assert.equal(node, 'node')
      return run(process.execPath, args, { cwd: last, env }).then(
        () => true,
        () => false,
      )
    }
    assert.ok(await until(isWell))
    const get = (path) => fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal(decode(Buffer.from(await (await get('/code/42')).arrayBuffer())).asked.scene, 'id=42')
    assert.equal((await get('/code/43')).status, 404)
    server.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    assert.equal(await isWell(), false)
  })

  test('runs as another user than root, and from the same image as it installs', () => {
    assert.deepEqual(argumentsOf(LAST, 'USER'), ['node'])
    const images = STAGES.slice(1).map((stage) => argumentsOf(stage, 'FROM')[0].split(' ')[0])
    assert.deepEqual(new Set(images), new Set([`node:\${NODE}`]))
    assert.deepEqual(argumentsOf(STAGES[0], 'ARG'), ['NODE=24-slim'])
  })

  test('needs no tool to build anything', () => {
    assert.deepEqual(
      STAGES.flatMap((stage) => argumentsOf(stage, 'RUN')),
      ['npm ci --omit=dev'],
    )
  })
})

/** The project of a user beside the Dockerfile, with a development dependency that must not come along. */
async function fillContext(context) {
  cpSync(EXAMPLE, context, { recursive: true })
  const manifest = {
    private: true,
    dependencies: { wxacode: 'latest' },
    devDependencies: { 'wxacode-scene': 'latest' },
  }
  writeFileSync(join(context, 'package.json'), JSON.stringify(manifest))
  await npm(context, 'install', '--package-lock-only')
}

/** COPY, with the workdir of all stages. */
function copy(argument, from, to) {
  const names = argument.split(' ').filter((name) => !name.startsWith('--'))
  const target = names.pop()
  for (const name of names) {
    const source = join(from, name.replace('/app/', ''))
    if (target === './') copyFileSync(source, join(to, name))
    else cpSync(source, join(to, target), { recursive: true })
  }
}

const npmArgumentsOf = (command) => /^npm (.*)$/.exec(command)[1].split(' ')

function folderFor(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `wxacode-${name}-`))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function npm(cwd, ...args) {
  const options = ['--registry', registry.url, '--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts']
  await run(process.execPath, [NPM, ...args, ...options], { cwd })
}

const accountIn = ({ appid, secret, baseUrl }) => ({
  WXACODE_APPID: appid,
  WXACODE_SECRET: secret,
  WXACODE_BASE_URL: baseUrl,
})
