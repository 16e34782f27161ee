'use strict'

const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { isAbsolute } = require('node:path')
const { isError } = require('./errors')

/** The path of an addon to load in place of the installed one. Tests of a build that is not packed yet set it. */
const OTHER_ADDON = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** This file, or in a bundle the bundle. An ES module has no `__filename`, and Turbopack makes up a path. */
const HERE = typeof __filename === 'string' && isAbsolute(__filename) ? __filename : undefined
const PLATFORM = platform()
const FILE = `wxacode.${PLATFORM}.node`

const MISSING = {
  en: `wxacode's addon for ${PLATFORM} is not installed`,
  zh: `没有安装 wxacode 在 ${PLATFORM} 上的原生模块`,
}
const INSTALL_AGAIN = {
  en:
    'Install again on the machine or in the image that runs it, without --omit=optional and without a node_modules ' +
    'copied from another system. There are addons for Linux (glibc 2.17 or later, or musl), macOS and Windows, x64 and arm64',
  zh:
    '请在实际运行它的机器或镜像里重新安装：不要加 --omit=optional，也不要从别的系统拷贝 node_modules。' +
    '支持 Linux（glibc 2.17 及以上，或 musl）、macOS、Windows 的 x64 与 arm64',
}
const BUNDLED = {
  en: `wxacode is in a bundle, and its addon for ${PLATFORM} is not beside it`,
  zh: `wxacode 被打进了产物，产物旁边却没有它在 ${PLATFORM} 上的原生模块`,
}
const LEAVE_OUT = {
  en:
    'Leave the package out of the bundle and install it where the program runs: esbuild --external:wxacode; webpack ' +
    "externalsType: 'commonjs', externals: [/^wxacode/]; Rollup external: [/^wxacode/]; Vite ssr.external: ['wxacode']; " +
    "Next.js serverExternalPackages: ['wxacode']. " +
    `Or copy ${FILE}, which is in node_modules/wxacode-${PLATFORM}, into the folder of a CommonJS bundle or of the executable`,
  zh:
    '请不要打包 wxacode，并在运行的机器上安装它：esbuild 用 --external:wxacode；webpack 用 ' +
    "externalsType: 'commonjs', externals: [/^wxacode/]；Rollup 用 external: [/^wxacode/]；Vite 用 ssr.external: ['wxacode']；" +
    "Next.js 用 serverExternalPackages: ['wxacode']。" +
    `也可以把 node_modules/wxacode-${PLATFORM} 里的 ${FILE} 复制到 CommonJS 产物或可执行文件所在的目录`,
}

module.exports = load()

/** @returns {typeof import('../binding')} */
function load() {
  const path = addonPath()
  if (path === undefined) throw new Error(advice())
  try {
    return createRequire(path)(path)
  } catch (error) {
    throw new Error(advice(error), { cause: error })
  }
}

/** @returns {string | undefined} */
function addonPath() {
  // A variable that is not set is looked up on `Object.prototype`, which must not be able to name a file to load.
  const other = Object.hasOwn(process.env, OTHER_ADDON) && process.env[OTHER_ADDON]
  return (
    other ||
    // The root of this package, where a build puts it.
    resolved(HERE, `../${FILE}`) ||
    // Where somebody has copied it to a bundle or to an executable that Node made.
    resolved(HERE, `./${FILE}`) ||
    installed() ||
    resolved(HERE, `wxacode-${PLATFORM}`) ||
    // Beside an executable that Bun or another tool made, in which files have invented paths.
    resolved(process.execPath, `./${FILE}`)
  )
}

/**
 * Not by `require`: a bundler would look for the file, and in an executable it gives only what is Node's own.
 *
 * @param {string | undefined} from
 * @param {string} name a package, or a file relative to `from`
 */
function resolved(from, name) {
  try {
    return createRequire(/** @type {string} */ (from)).resolve(name)
  } catch {
    return undefined
  }
}

function installed() {
  try {
    const path = require('#addons')(PLATFORM)
    // ncc leaves the number of a module there.
    return typeof path === 'string' && isAbsolute(path) ? path : undefined
  } catch {
    // A tool that does not know `imports` of package.json.
    return undefined
  }
}

function platform() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

/** Whether this process runs with musl, as in Alpine. The report takes milliseconds; small images without ldd need it. */
function isMusl() {
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('musl')
  } catch {
    const header = reportHeader()
    return header !== undefined && header.glibcVersionRuntime === undefined
  }
}

/** Without the network, whose addresses Node would look up. */
function reportHeader() {
  const report = /** @type {any} */ (process.report)
  if (typeof report?.getReport !== 'function') return undefined
  const { excludeNetwork } = report
  try {
    report.excludeNetwork = true
    return report.getReport().header
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

/** @param {unknown} [error] why an addon that is there did not load */
function advice(error) {
  const [what, fix] = isBundled() ? [BUNDLED, LEAVE_OUT] : [MISSING, INSTALL_AGAIN]
  const { en, zh } = error === undefined ? what : refused(error)
  return `${en}. ${fix.en} | ${zh}。${fix.zh}`
}

/** @param {unknown} error */
function refused(error) {
  const reason = isError(error) ? error.message.split('\n')[0] : String(error)
  return {
    en: `wxacode's addon for ${PLATFORM} cannot be loaded (${reason})`,
    zh: `无法加载 wxacode 在 ${PLATFORM} 上的原生模块（${reason}）`,
  }
}

/** A bundler has put this file into another one, so it is not in its package. */
function isBundled() {
  try {
    return createRequire(/** @type {string} */ (HERE))('../package.json').name !== 'wxacode'
  } catch {
    return true
  }
}
