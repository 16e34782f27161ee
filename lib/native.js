'use strict'

const { isError } = require('./errors')
const { safeGet } = require('./safe-object')

/** By these the generated loader loads another file. */
const VARIABLES = [
  'NAPI_RS_NATIVE_LIBRARY_PATH',
  'NAPI_RS_FORCE_WASI',
  'NAPI_RS_WASI_FLAVOR',
  'NAPI_RS_ENFORCE_VERSION_CHECK',
]

// The generated loader says nothing of what to do where there is no addon for this machine, and nothing in Chinese.
try {
  module.exports = load()
} catch (error) {
  throw new Error(advice(/** @type {Error} */ (error)), { cause: error })
}

/** A variable that is not set is looked up on `Object.prototype`, which must not be able to name a file to load. */
function load() {
  const forged = VARIABLES.filter((name) => name in process.env && !Object.hasOwn(process.env, name))
  try {
    for (const name of forged) process.env[name] = ''
    return require('../binding.js')
  } finally {
    for (const name of forged) delete process.env[name]
  }
}

/** @param {Error} error */
function advice(error) {
  const here = `${process.platform}-${process.arch}`
  const reason = loadFailure(error)
  const { en, zh } = reason
    ? {
        en: `wxacode's addon for ${here} cannot be loaded (${reason})`,
        zh: `无法加载 wxacode 在 ${here} 上的原生模块（${reason}）`,
      }
    : { en: `wxacode's addon for ${here} is not installed`, zh: `没有安装 wxacode 在 ${here} 上的原生模块` }
  return (
    `${en}. Install again on the machine or in the image that runs it, without --omit=optional and without a node_modules ` +
    'copied from another system. There are addons for Linux (glibc 2.17 or later, or musl), macOS and Windows, x64 and arm64' +
    ` | ${zh}。请在实际运行它的机器或镜像里重新安装：不要加 --omit=optional，也不要从别的系统拷贝 node_modules。` +
    '支持 Linux（glibc 2.17 及以上，或 musl）、macOS、Windows 的 x64 与 arm64'
  )
}

/**
 * Why an addon that is there did not load. The loader's causes are all that it tried, of most of which there is nothing.
 *
 * @param {unknown} error
 * @returns {string | undefined}
 */
function loadFailure(error) {
  if (!isError(error)) return undefined
  return error.message.startsWith('Cannot find ') ? loadFailure(safeGet(error, 'cause')) : error.message.split('\n')[0]
}
