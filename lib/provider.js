'use strict'

const { invalid } = require('./errors')

/**
 * The caller's token provider as the addon calls it: always a promise, of one shape. What the caller's function throws
 * passes untouched.
 *
 * @param {import('../index').TokenProvider} provider
 * @returns {(ask: { appid: string, rejected?: { accessToken: string, errcode: number } }) => Promise<{ accessToken: string, expiresIn?: number }>}
 */
function tokenProvider(provider) {
  // A promise that nobody holds is collected, and the call that waits for it would end without a word.
  const pending = new Set()
  return (ask) => {
    const asked = answer(provider, ask).finally(() => pending.delete(asked))
    pending.add(asked)
    return asked
  }
}

/**
 * @param {import('../index').TokenProvider} provider
 * @param {{ appid: string, rejected?: { accessToken: string, errcode: number } }} ask
 */
async function answer(provider, ask) {
  const given = await provider(ask)
  const token = typeof given === 'string' ? { accessToken: given } : given
  if (!isToken(token)) throw unusable()
  return token
}

/** @param {any} token */
const isToken = (token) =>
  typeof token?.accessToken === 'string' &&
  /^[!-~]{1,4096}$/.test(token.accessToken) &&
  (token.expiresIn === undefined || (Number.isFinite(token.expiresIn) && token.expiresIn > 0))

/** What was given is not repeated: it may be the token. */
const unusable = () =>
  invalid({
    param: 'token',
    explanation: {
      cause: { zh: 'token 函数没有返回可用的令牌', en: 'the token function gave no usable token' },
      fix: {
        zh: '返回非空字符串，或 { accessToken: string, expiresIn: 秒数 }；检查令牌服务的应答是否含有 errcode',
        en: 'Return a non-empty string, or { accessToken: string, expiresIn: seconds }; see whether your token service answered an errcode',
      },
    },
  })

module.exports = { tokenProvider }
