// Plays the console blocks of the documents against a fake of their own: what each command prints, beside what the document
// shows. `node scripts/console.mjs` writes the outputs into the documents where they differ.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { freePort } from '../__test__/support/ports.mjs'
import { openProvider } from './console-platform.mjs'
import { blocksOf, DOCUMENTS, isChinese, ROOT, text } from './pages.mjs'

const ACCOUNT = { appid: 'wx1234567890abcdef', secret: '0123456789abcdef0123456789abcdef' }
const PAGES = ['pages/index/index', 'pages/goods/detail']
/** Lists that a document names and does not show. */
const LISTS = { 'ids.csv': 'scene,label\nid=1,Bund\nid=1.23457E+17,Xuhui\nid=3,#N/A\n' }

/**
 * @typedef {object} Command
 * @property {string} command
 * @property {string[]} shown the lines below it in the document
 * @property {string[]} printed
 */

/** The console blocks of a document. @param {string} file */
export const sessionsOf = (file) => blocksOf(file).filter(({ language }) => language === 'console')

/**
 * Plays all console blocks of a document, one after the other in one folder.
 *
 * @param {string} file
 * @returns {Promise<{ line: number, commands: Command[] }[]>}
 */
export async function play(file) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-console-'))
  try {
    for (const [name, list] of Object.entries(LISTS)) writeFileSync(join(folder, name), list)
    const bin = commandsIn(folder)
    const played = []
    for (const { code, line } of sessionsOf(file))
      played.push({ line, commands: await session(code, file, folder, bin) })
    return played
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} code
 * @param {string} file
 * @param {string} folder
 * @param {string} bin
 */
async function session(code, file, folder, bin) {
  // An excerpt that tells of the whitelist is of an account that has none.
  const whitelist = /^✗ IP/m.test(code) ? { ipWhitelist: [] } : {}
  const provider = /wechat\.json/.test(code) ? await openProvider(folder) : undefined
  const fake = await startFakeWeChat({ apps: [{ ...ACCOUNT, pages: PAGES }], ...whitelist, ...provider?.fakeOptions })
  await provider?.serve(fake)
  const redis = code.includes('redis://') ? await startRedis() : undefined
  const env = { ...environment(bin, folder, fake.url, isChinese(file) ? 'zh' : 'en'), ...provider?.env }
  try {
    const rid = code.includes('wxacode rid ') ? await aRid(fake) : ''
    const commands = []
    for (const { command, shown } of commandsOf(code)) {
      const [, list] = /^cat (\S+)$/.exec(command) ?? []
      if (list) writeFileSync(join(folder, list), `${shown.join('\n')}\n`)
      const here = command
        .replace(/--port \d+/, '--port 0')
        .replace(/(wxacode rid )\S+/, `$1${rid}`)
        .replace(/redis:\/\/127\.0\.0\.1:\d+/, redis?.url ?? '')
      const printed = await run(here, { cwd: folder, env }, shown.length)
      commands.push({ command, shown, printed: printed.map((line) => asWritten(line, command, { rid, redis })) })
    }
    return commands
  } finally {
    redis?.stop()
    await fake.close()
    provider?.close()
  }
}

/**
 * A line with the rid and the ports that the command of the document names.
 *
 * @param {string} line
 * @param {string} command
 * @param {{ rid: string, redis?: { port: number } }} real
 */
function asWritten(line, command, { rid, redis }) {
  const [, wanted] = /wxacode rid (\S+)/.exec(command) ?? []
  const [, address] = /redis:\/\/(\S+)/.exec(command) ?? []
  const [, port] = /--port (\d+)/.exec(command) ?? []
  const same = wanted ? line.replace(rid, wanted) : line
  const there = redis && address ? same.replace(`127.0.0.1:${redis.port}`, address) : same
  return port ? there.replace(/(\/\/127\.0\.0\.1):\d+/, `$1:${port}`) : there
}

/**
 * What a shell of this language has.
 *
 * @param {string} bin
 * @param {string} home
 * @param {string} baseUrl
 * @param {'en' | 'zh'} language
 */
const environment = (bin, home, baseUrl, language) => ({
  PATH: [bin, process.env.PATH].join(delimiter),
  HOME: home,
  LANG: language === 'zh' ? 'zh_CN.UTF-8' : 'en_US.UTF-8',
  NO_COLOR: '1',
  WXACODE_APPID: ACCOUNT.appid,
  WXACODE_SECRET: ACCOUNT.secret,
  WXACODE_BASE_URL: baseUrl,
})

/**
 * What one command prints against a fake of its own, in either language.
 *
 * @param {string} command
 * @param {'en' | 'zh'} language
 * @param {import('wxacode-fake').FakeOptions} [options]
 */
export async function printedBy(command, language, options) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-console-'))
  const fake = await startFakeWeChat({ apps: [{ ...ACCOUNT, pages: PAGES }], ...options })
  try {
    return await run(command, { cwd: folder, env: environment(commandsIn(folder), folder, fake.url, language) }, 0)
  } finally {
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A block with one example of each red line of doctor. @param {string} file */
export const redBlocksOf = (file) =>
  blocksOf(file).filter(({ language, code }) => language === '' && code.startsWith('✗ DNS'))

/**
 * Each red line of doctor with what it says to do, by an account and a machine that have the trouble.
 *
 * @param {'en' | 'zh'} language
 */
export async function redLines(language) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-console-'))
  const bin = commandsIn(folder)
  const redis = await startRedis()
  await redis.say('ACL SETUSER app on >pass ~* +@all -hset -hincrby')
  /** @typedef {Awaited<ReturnType<typeof startFakeWeChat>>} Fake */
  /** @type {{ label: RegExp, fake?: import('wxacode-fake').FakeOptions, env?: Record<string, string>, before?: (fake: Fake) => void, command?: string }[]} */
  const troubles = [
    { label: /^DNS/, env: { WXACODE_BASE_URL: 'https://wechat.invalid' } },
    // Half a minute more: a second that passes meanwhile does not make it less than an hour.
    { label: /^(?:clock|时钟)/, before: (fake) => fake.clock.advance(3630) },
    { label: /^Redis/, env: { WXACODE_REDIS: redis.url.replace('//', '//app:pass@') } },
    { label: /^(?:credentials|凭据)/, env: { WXACODE_SECRET: 'f'.repeat(32) } },
    { label: /^IP/, fake: { ipWhitelist: [] } },
    {
      label: /^(?:quota|额度)/,
      fake: { limits: { limitedPerDay: 1 } },
      command: 'wxacode limited --path a -o code.jpg >/dev/null; wxacode doctor',
    },
    { label: /^(?:page|页面)/, command: 'wxacode doctor --page pages/soon/index' },
    { label: /^(?:token|令牌|access_token)/, before: (fake) => fake.fail(40001, { endpoint: 'debug' }) },
  ]
  try {
    const lines = []
    for (const { label, fake: options, env, before, command = 'wxacode doctor' } of troubles) {
      const fake = await startFakeWeChat({ apps: [{ ...ACCOUNT, pages: PAGES }], ...options })
      before?.(fake)
      const printed = await run(
        command,
        { cwd: folder, env: { ...environment(bin, folder, fake.url, language), ...env } },
        0,
      )
      await fake.close()
      const at = printed.findIndex((line) => line.startsWith('✗ ') && label.test(line.slice(2)))
      if (at === -1) throw new Error(`doctor has no red line ${label}:\n${printed.join('\n')}`)
      lines.push(printed[at], printed[at + 1])
    }
    return lines.map((line) =>
      line
        .replace('wechat.invalid', 'api.weixin.qq.com')
        .replace('EAI_AGAIN', 'ENOTFOUND')
        .replace(/(1 h|1 小时) \d+ (?:s|秒)/, '$1')
        .replace(`127.0.0.1:${redis.port}`, 'cache:6379'),
    )
  } finally {
    redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Commands of a block, each with the lines below it. @param {string} code */
function commandsOf(code) {
  /** @type {{ command: string, shown: string[] }[]} */
  const commands = []
  for (const line of code.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), shown: [] })
    else commands.at(-1)?.shown.push(line)
  }
  return commands
}

/** What a user has after `npm install --global`, and npx. @param {string} folder */
function commandsIn(folder) {
  const bin = join(folder, '.bin')
  mkdirSync(bin)
  const commands = { wxacode: 'cli/bin/wxacode.js', 'wxacode-cli': 'cli/bin/wxacode.js', 'wxacode-fake': 'fake/cli.js' }
  for (const [name, path] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, path)}' "$@"\n`)
    chmodSync(join(bin, name), 0o755)
  }
  writeFileSync(join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n')
  chmodSync(join(bin, 'npx'), 0o755)
  return bin
}

/** @param {string} command @param {import('node:child_process').SpawnOptions} options @param {number} least lines of a server */
async function run(command, options, least) {
  const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let printed = ''
  child.stdout?.setEncoding('utf8').on('data', (part) => {
    printed += part
  })
  const closed = once(child, 'close').then(() => true)
  const isServer = /\bwxacode(?:-| )fake\b/.test(command)
  const limit = Date.now() + 30_000
  while (!(await Promise.race([closed, wait(50, false)]))) {
    const said = printed.split('\n').length > least
    if ((isServer && said) || Date.now() > limit) {
      try {
        process.kill(-(child.pid ?? 0), 'SIGTERM')
      } catch {}
    }
  }
  // A batch that takes long shows how far it is: not so in a document.
  return printed
    .trimEnd()
    .split('\n')
    .filter((line) => !/^\d+\/\d+ \(\d+ %\)/.test(line))
}

/** What WeChat calls a request that it has refused. @param {Awaited<ReturnType<typeof startFakeWeChat>>} fake */
async function aRid(fake) {
  const wxa = new WxaCode({ ...ACCOUNT, baseUrl: fake.url })
  const error = await wxa
    .getUnlimitedQRCode({ scene: 'a', page: 'no' })
    .catch((/** @type {{ rid?: string }} */ refused) => refused)
  return 'rid' in error ? (error.rid ?? '') : ''
}

async function startRedis() {
  const port = await freePort()
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const said of server.stdout.setEncoding('utf8')) if (said.includes('Ready to accept')) break
  return { port, url: `redis://127.0.0.1:${port}`, say, stop: () => server.kill() }

  /** @param {string} command */
  async function say(command) {
    const socket = connect(port, '127.0.0.1').end(`${command}\r\n`)
    await once(socket.resume(), 'close')
  }
}

/** A line without what differs from run to run. @param {string} line */
export const steady = (line) =>
  line
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{8}){2}\b/g, 'rid')
    .replaceAll(/(\bstable )[\da-f]{8}|^[\da-f]{8}( stable)/g, '$1fingerprint$2')
    .replaceAll(/\bwx[\da-f]{16}\b/g, 'appid')
    .replaceAll(/\b[\da-f]{32}\b/g, 'secret')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
    .replaceAll(/\d+ min(?: \d+ s)?/g, 'min')
    .replaceAll(/\d+ (?:分钟|分 \d+ 秒|分)/g, '分')
    .replaceAll(/[\d.]+ ms\b/g, 'ms')
    .replaceAll(/(127\.0\.0\.1):\d+/g, '$1:port')
    .replaceAll(/\d+\/(\d{4,})/g, 'n/$1')
    .replaceAll(/(last push came |推送在 )\d+ (s|秒)/g, '$1$2')
    .replace(/(less than|within|不到) \d+ (s|秒)/, '$1 $2')

/** Whether the lines shown are among those printed, in their order. @param {Command} command */
export function isShown({ shown, printed }) {
  const lines = printed.map(steady)
  let from = 0
  return shown.every((line) => {
    const at = lines.indexOf(steady(line), from)
    from = at + 1
    return at !== -1
  })
}

/** Of an excerpt the lines that begin as those shown, else all of them. @param {Command} command */
function current({ shown, printed }) {
  if (shown.length >= printed.length || !shown.every((line) => /^(?:[✓✗-] | {6})/.test(line))) return printed
  const label = (/** @type {string} */ line) => line.slice(2).split(/ {2,}/)[0].trim()
  const kept = printed.filter((line) => shown.some((one) => /^[✓✗-]/.test(one) && label(one) === label(line)))
  return printed.filter((line, n) => kept.includes(line) || (/^ {6}/.test(line) && kept.includes(printed[n - 1])))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of DOCUMENTS.filter((one) => sessionsOf(one).length > 0)) {
    let page = text(file)
    for (const { line, commands } of await play(file)) {
      for (const command of commands) {
        if (command.shown.length === 0 || isShown(command)) continue
        console.log(`${file}:${line}: $ ${command.command}`)
        const [before, after] = [command.shown, current(command)].map(
          (lines) => `$ ${command.command}\n${lines.join('\n')}\n`,
        )
        page = page.replace(before, () => after)
      }
    }
    for (const { code, line } of redBlocksOf(file)) {
      const lines = `${(await redLines(isChinese(file) ? 'zh' : 'en')).join('\n')}\n`
      if (code !== lines) console.log(`${file}:${line}: red lines of doctor`)
      page = page.replace(code, () => lines)
    }
    if (page !== text(file)) writeFileSync(join(ROOT, file), page)
  }
}
