import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { PdfError, UsageError } from '../../errors.js'

/** @import { Text } from '../../language.js' */

/** What its programs are called on a PATH. */
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
  'chrome',
]
const ON_A_MAC = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
)
const UNDER_PROGRAM_FILES = ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe']
const PROGRAM_FILES = ['ProgramFiles', 'ProgramFiles(x86)', 'LocalAppData']

/** What it says at its end, to be looked through for why it failed, in characters. */
const REMEMBERED = 8000
/** Time for what it says last, in milliseconds. */
const LAST_WORDS = 500
/** Nothing is fetched: a sheet needs only the files beside it. */
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-sync',
  '--no-default-browser-check',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--no-pdf-header-footer',
  '--print-to-pdf-no-header',
]

/**
 * Where Chromium is, or a browser that is made from it.
 *
 * @param {string | undefined} given a path or a name, by the user
 * @param {{ env: NodeJS.ProcessEnv, platform?: NodeJS.Platform }} where
 * @returns {string}
 */
export function findChromium(given, { env, platform = process.platform }) {
  if (given !== undefined) {
    const found = /[\\/]/.test(given) ? isProgram(given) && given : onPath([given], env)
    if (!found) throw notThere(given)
    return found
  }
  const paths = platform === 'darwin' ? ON_A_MAC : platform === 'win32' ? onWindows(env) : []
  const found = paths.find(isProgram) ?? onPath(NAMES, env)
  if (found === undefined) throw noChromium()
  return found
}

/** @param {NodeJS.ProcessEnv} env */
const onWindows = (env) =>
  PROGRAM_FILES.map((name) => env[name])
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => UNDER_PROGRAM_FILES.map((file) => join(folder, file)))

/**
 * @param {string[]} names
 * @param {NodeJS.ProcessEnv} env
 */
const onPath = (names, { PATH = '' }) =>
  names.flatMap((name) => PATH.split(delimiter).map((folder) => join(folder, name))).find(isProgram)

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * Prints a page of HTML to a PDF. The browser has a profile of its own, which is removed, and no secret in its environment.
 *
 * @param {string} program
 * @param {{ html: string, pdf: string }} files
 * @param {{ signal: AbortSignal, timeoutMs: number, env: NodeJS.ProcessEnv }} how
 */
export async function printToPdf(program, { html, pdf }, { signal, timeoutMs, env }) {
  signal.throwIfAborted()
  const profile = mkdtempSync(join(tmpdir(), 'wxacode-chromium-'))
  try {
    const args = [...FLAGS, ...sandbox(), `--user-data-dir=${profile}`, `--print-to-pdf=${pdf}`]
    const end = await run(program, [...args, pathToFileURL(html).href], { signal, timeoutMs, env })
    signal.throwIfAborted()
    if (end.late) throw tooLate(program, timeoutMs)
    if (!isThere(pdf)) throw failed(program, end)
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** Its sandbox does not work for root, as which containers run. Without it only files of this user are shown: the sheet. */
const sandbox = () => (process.getuid?.() === 0 ? ['--no-sandbox'] : [])

/** @typedef {{ code: number | null, said: string, late: boolean }} End */

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{ signal: AbortSignal, timeoutMs: number, env: NodeJS.ProcessEnv }} how
 * @returns {Promise<End>}
 */
async function run(program, args, { signal, timeoutMs, env }) {
  const isWindows = process.platform === 'win32'
  // A group of its own: Ctrl-C reaches it from here, and all its processes end with it.
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: withoutSecrets(env),
    detached: !isWindows,
    windowsHide: true,
  })
  const end = { code: /** @type {number | null} */ (null), said: '', late: false }
  child.stderr.setEncoding('utf8').on('data', (text) => {
    end.said = (end.said + text).slice(-REMEMBERED)
  })
  const kill = () => {
    try {
      if (isWindows) child.kill()
      else if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  const timer = setTimeout(() => {
    end.late = true
    kill()
  }, timeoutMs)
  signal.addEventListener('abort', kill)
  try {
    const [code] = await once(child, 'exit')
    // Processes that it leaves behind may hold the pipe open.
    await Promise.race([once(child.stderr, 'end'), delay(LAST_WORDS)])
    return { ...end, code }
  } catch (error) {
    return { ...end, said: /** @type {Error} */ (error).message }
  } finally {
    clearTimeout(timer)
    child.stderr.destroy()
    signal.removeEventListener('abort', kill)
  }
}

/** @param {NodeJS.ProcessEnv} env */
const withoutSecrets = (env) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.toUpperCase().startsWith('WXACODE_')))

/** @param {string} pdf */
const isThere = (pdf) => (statSync(pdf, { throwIfNoEntry: false })?.size ?? 0) > 0

/** @type {Text} */
const PRINT_YOURSELF = {
  zh: '也可以不加 --pdf：用任何浏览器打开 index.html，打印或另存为 PDF',
  en: 'Or leave --pdf out: any browser prints index.html, or saves it as a PDF',
}

const noChromium = () =>
  new UsageError(
    {
      zh: '--pdf 需要 Chrome、Edge 或 Chromium，这台机器上没有找到',
      en: '--pdf needs Chrome, Edge or Chromium, and none was found on this machine',
    },
    {
      zh: `安装其中一个（Debian、Ubuntu：apt-get install chromium），或用 --chromium 指定它的路径。${PRINT_YOURSELF.zh}`,
      en: `Install one of them (Debian, Ubuntu: apt-get install chromium), or pass its path as --chromium. ${PRINT_YOURSELF.en}`,
    },
  )

/** @param {string} given */
const notThere = (given) =>
  new UsageError(
    {
      zh: `--chromium（或 WXACODE_CHROMIUM）指定的 ${given} 不是可以运行的程序`,
      en: `${given}, from --chromium or WXACODE_CHROMIUM, is not a program that can be run`,
    },
    {
      zh: '填写 Chrome、Edge 或 Chromium 可执行文件的路径，或不填，由 wxacode 查找',
      en: 'Use the path of the executable of Chrome, Edge or Chromium, or leave it out, and it is looked for',
    },
  )

/**
 * @param {string} program
 * @param {number} timeoutMs
 */
const tooLate = (program, timeoutMs) =>
  new PdfError(
    {
      zh: `${program} 在 ${timeoutMs / 1000} 秒内没有写完 PDF，已停止`,
      en: `${program} did not finish the PDF within ${timeoutMs / 1000} s and was stopped`,
    },
    {
      zh: `机器不忙时再运行同一命令：已有的码不会重新请求。${PRINT_YOURSELF.zh}`,
      en: `Run the same command again when the machine is less busy: codes that are there are not requested again. ${PRINT_YOURSELF.en}`,
    },
  )

/**
 * @param {string} program
 * @param {End} end
 */
function failed(program, { code, said }) {
  const why = reasonIn(said)
  const noSandbox = /no usable sandbox|SUID sandbox/i.test(said)
  return new PdfError(
    {
      zh: `${program} 没有写出 PDF（退出码 ${code ?? '无'}）${why && `：${why}`}`,
      en: `${program} wrote no PDF (exit code ${code ?? 'none'})${why && `: ${why}`}`,
    },
    noSandbox
      ? {
          zh: `这台机器不允许 Chromium 的沙箱：允许 user namespace，或把 --chromium 指向一个加上 --no-sandbox 的脚本。${PRINT_YOURSELF.zh}`,
          en: `This machine does not allow Chromium's sandbox: allow user namespaces, or point --chromium to a script that adds --no-sandbox. ${PRINT_YOURSELF.en}`,
        }
      : {
          zh: `检查它能否单独运行，或用 --chromium 换一个。${PRINT_YOURSELF.zh}`,
          en: `Check whether it runs by itself, or choose another with --chromium. ${PRINT_YOURSELF.en}`,
        },
  )
}

/** The line that says most; the bus of a desktop is missing on every server. @param {string} said */
function reasonIn(said) {
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !/dbus|crashpad/i.test(line))
  const found = lines.find((line) => /sandbox|fatal|cannot|error while/i.test(line)) ?? lines.at(-1) ?? ''
  return found.trim().slice(0, 300)
}
