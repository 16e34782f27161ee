'use strict'

const { CACHED, LANG } = require('../../symbols')
const { safeGet } = require('../../safe-object')
const { givenOrMade } = require('./factory')

/** @typedef {import('../../../index').WxaCode} WxaCode */

const A_CLIENT = { zh: ' WxaCode，也不是返回 WxaCode 的函数', en: 'a WxaCode, nor a function that returns one' }
const RETURNS_A_CLIENT = { zh: '返回 WxaCode 的函数', en: 'a function that returns a WxaCode' }

/**
 * The client of a handler, or what its factory makes.
 *
 * @param {any} wxa
 * @returns {() => WxaCode | Promise<WxaCode>}
 */
const clientOf = (wxa) =>
  givenOrMade(wxa, { handler: 'codeHandler', param: 'wxa', isOne: isClient, one: A_CLIENT, factory: RETURNS_A_CLIENT })

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
