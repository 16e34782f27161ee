'use strict'

const { wrongArgument } = require('../../errors')
const { CACHED, LANG } = require('../../symbols')
const { safeGet } = require('../../safe-object')

/** @typedef {import('../../../index').WxaCode} WxaCode */

const A_CLIENT = { zh: ' WxaCode，也不是返回 WxaCode 的函数', en: 'a WxaCode, nor a function that returns one' }
const RETURNS_A_CLIENT = { zh: '返回 WxaCode 的函数', en: 'a function that returns a WxaCode' }

/**
 * The client of a handler. A factory is called at the first request that needs the client, and its client is used from then
 * on. If the factory throws, the waiting requests fail, and the next request calls the factory again.
 *
 * @param {any} wxa
 * @returns {() => WxaCode | Promise<WxaCode>}
 */
function clientOf(wxa) {
  if (isClient(wxa)) return () => wxa
  if (typeof wxa !== 'function') throw wrongArgument('wxa', A_CLIENT, 'codeHandler')
  /** @type {Promise<WxaCode> | undefined} */
  let client
  return () => {
    client ??= createClient(wxa).catch((error) => {
      client = undefined
      throw error
    })
    return client
  }
}

/** @param {() => any} factory */
async function createClient(factory) {
  const wxa = await factory()
  if (!isClient(wxa)) throw wrongArgument('wxa', RETURNS_A_CLIENT, 'codeHandler')
  return wxa
}

/** @param {any} value of this copy of the package, of another, or a stand-in of a test */
const isClient = (value) => typeof safeGet(value, 'getUnlimitedQRCode') === 'function'

/**
 * The language of a client's errors. A factory and a stand-in have none.
 *
 * @param {any} wxa
 * @returns {import('../../language').Language | undefined}
 */
const clientLanguage = (wxa) => safeGet(wxa, LANG)

/**
 * The image of a code, if the client has it in memory.
 *
 * @param {any} wxa a stand-in has no cache
 * @param {import('../../qr-code-request').QrCodeRequest} request
 * @returns {Buffer | undefined}
 */
const cachedImage = (wxa, request) => wxa[CACHED]?.(request)

module.exports = { clientLanguage, clientOf, cachedImage }
