import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { startFakeWeChat } from 'wxacode-fake'
import { checkText, newAppid, newSecret, times } from '../../__test__/support/suite.mjs'

export { suite } from '../../__test__/support/suite.mjs'

export const BIN = fileURLToPath(new URL('../bin/wxacode.js', import.meta.url))

/** The environment of the tests, without what would make a child a test runner, coloured, proxied, or Chinese. */
const {
  NODE_TEST_CONTEXT: _context,
  NODE_OPTIONS: _options,
  NODE_V8_COVERAGE: _coverage,
  FORCE_COLOR: _force,
  NO_COLOR: _no,
  LC_ALL: _all,
  LC_MESSAGES: _messages,
  LANG: _lang,
  HTTPS_PROXY: _proxy,
  https_proxy: _lower,
  ...OWN
} = process.env
const ENV = Object.fromEntries(
  Object.entries({ ...OWN, LANG: 'en_US.UTF-8' }).filter(([name]) => !/^WXACODE_/.test(name)),
)

/**
 * Sets up a fake WeChat, an account on it, an empty folder, and the command line. Whatever the command
 * prints is searched for secrets.
 */
export async function setupCli(t, { app, ...fakeOptions } = {}) {
  const account = { appid: newAppid(), secret: newSecret(), ...app }
  const fake = await startFakeWeChat({ apps: [account], ...fakeOptions })
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-cli-'))
  t.after(async () => {
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const env = {
    ...ENV,
    WXACODE_APPID: account.appid,
    WXACODE_SECRET: account.secret,
    WXACODE_BASE_URL: fake.url,
  }
  const secrets = () => [account.secret, ...fake.liveTokens()]
  const begin = (args, options = {}) =>
    start(args, { cwd: folder, secrets, ...options, env: { ...env, ...options.env } })
  return {
    fake,
    account,
    folder,
    env,
    secrets,
    file: (name) => join(folder, name),
    begin,
    /** Runs `wxacode` to its end. */
    wxacode: (args, options) => begin(args, options).done,
  }
}

/** Runs `wxacode` without a fake: for what is never asked of anybody. */
export const wxacode = (args, { env, ...options } = {}) => start(args, { env: { ...ENV, ...env }, ...options }).done

/** Starts `wxacode`; `done` is what came of it, `printed(text)` waits for a word of it. */
function start(args, { env, cwd, input, secrets = () => [] }) {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env })
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  return watch(child, secrets)
}

/** What a child prints and ends with. */
export function watch(child, secrets) {
  const chunks = []
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    chunks.push(chunk)
    output.out = Buffer.concat(chunks).toString()
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.err += text
  })
  const done = once(child, 'close').then(([code, signal]) => {
    checkText(output.out + output.err, secrets())
    return { code, signal, ...output, bytes: Buffer.concat(chunks), json: () => JSON.parse(output.out) }
  })
  const printed = async (text) => {
    const ended = done.then(() => true)
    while (!(output.out + output.err).includes(text)) {
      const data = [child.stdout, child.stderr].map((stream) => once(stream, 'data').then(() => false))
      if ((await Promise.race([...data, ended])) && !(output.out + output.err).includes(text))
        throw new Error(`it ended without ${text}: ${output.out}${output.err}`)
    }
  }
  return { child, output, done, printed }
}

/** A list of small codes: `id=1` to `id=n`. */
export const listOf = (n) => `scene,width,isHyaline\n${times(n, (at) => `id=${at + 1},280,true\n`).join('')}`

/** Sets up the command line with a list. */
export async function setupBatch(t, list, options) {
  const here = await setupCli(t, options)
  writeFileSync(here.file('list.csv'), list)
  let looked = 0
  return {
    ...here,
    /**
     * The scenes that were requested since the last look, sorted. Each once: on a busy machine a request that waits for its
     * response on an idle connection is sent again.
     */
    requested: () => {
      const all = here.fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit')
      const scenes = all.slice(looked).map(({ body }) => JSON.parse(body).scene)
      looked = all.length
      return [...new Set(scenes)].sort()
    },
    batch: (args = [], more) => here.wxacode(['batch', 'list.csv', '--out', 'codes', '--json', ...args], more),
    pictures: () =>
      readdirSync(here.file('codes'))
        .filter((name) => /\.(png|jpg)$/.test(name))
        .sort(),
    picture: (name) => readFileSync(here.file(`codes/${name}`)),
    report: () => parse(readFileSync(here.file('codes/report.csv')), { columns: true, bom: true }),
    hidden: () => readdirSync(here.file('codes/.wxacode')).sort(),
  }
}
