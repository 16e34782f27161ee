'use strict'

/**
 * Where the package manager has put the addon of a platform.
 *
 * Tools that collect the files of a program (Next.js, Vercel, ncc) find them by these literal names. It is `require.resolve`
 * in a `try` because bundlers leave that alone, while they parse what `require` names as if it were JavaScript. webpack is
 * the exception, and gets `lib/no-addons.js`: see `imports` in package.json.
 *
 * @param {string} platform
 * @returns {unknown} a path; in a bundle it may be anything
 */
module.exports = function installedAddon(platform) {
  // What Turbopack replaces by `true` in what it bundles, and not where it only collects files.
  if (/** @type {any} */ (process).turbopack) return undefined
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require.resolve('wxacode-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require.resolve('wxacode-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require.resolve('wxacode-linux-x64-musl')
      case 'linux-arm64-musl':
        return require.resolve('wxacode-linux-arm64-musl')
      case 'darwin-x64':
        return require.resolve('wxacode-darwin-x64')
      case 'darwin-arm64':
        return require.resolve('wxacode-darwin-arm64')
      case 'win32-x64-msvc':
        return require.resolve('wxacode-win32-x64-msvc')
      case 'win32-arm64-msvc':
        return require.resolve('wxacode-win32-arm64-msvc')
    }
  } catch {}
  return undefined
}
