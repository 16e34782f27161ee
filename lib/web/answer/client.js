'use strict'

const { wrongArgument } = require('../../errors')
const { KEPT, LANG } = require('../../kept')
const { own } = require('../../own')

/** @typedef {import('../../../index').WxaCode} WxaCode */

const A_CLIENT = { zh: ' WxaCode，也不是返回 WxaCode 的函数', en: 'a WxaCode, nor a function that returns one' }
const RETURNS_A_CLIENT = { zh: '返回 WxaCode 的函数', en: 'a function that returns a WxaCode' }

/**
 * The client of a handler. One that a function makes is made for the first request that needs it, and kept. What the
 * function throws is thrown to the requests that wait for it, and the next one calls it again.
 *
 * @param {any} wxa
 * @returns {() => WxaCode | Promise<WxaCode>}
 */
function clientOf(wxa) {
  if (isClient(wxa)) return () => wxa
  if (typeof wxa !== 'function') throw wrongArgument('wxa', A_CLIENT, 'codeHandler')
  /** @type {Promise<WxaCode> | undefined} */
  let made
  return () => {
    made ??= make(wxa).catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
}

/** @param {() => any} factory */
async function make(factory) {
  const wxa = await factory()
  if (!isClient(wxa)) throw wrongArgument('wxa', RETURNS_A_CLIENT, 'codeHandler')
  return wxa
}

/** @param {any} value of this copy of the package, of another, or a stand-in of a test */
const isClient = (value) => typeof own(value, 'getUnlimitedQRCode') === 'function'

/**
 * The language of a client's errors. A function that makes the client, and a stand-in, have none.
 *
 * @param {any} wxa
 * @returns {import('../../language').Language | undefined}
 */
const clientLanguage = (wxa) => own(wxa, LANG)

/**
 * The picture of a code, if it is kept in this process.
 *
 * @param {any} wxa a stand-in keeps nothing
 * @param {import('../../qr-code-request').QrCodeRequest} request
 * @returns {Buffer | undefined}
 */
const cachedPicture = (wxa, request) => wxa[KEPT]?.(request)

module.exports = { clientLanguage, clientOf, cachedPicture }
