'use strict'

const { randomInt } = require('node:crypto')
const { URL } = require('node:url')
const { createPost } = require('./post.js')
const { encrypt, signatureOf } = require('./push-crypto.js')
const { infoTypeIn, xml } = require('./push-message.js')
const { seconds } = require('./values.js')

/** @import { Clock, PushOptions, RecordedPush } from '../../index.js' */
/** @import { PlatformState, PushRecord } from '../types.js' */

/**
 * What has been pushed: the latest pushes, each an encrypted POST to the URL of its platform.
 * @param {Clock} clock
 * @param {number} keep
 */
function createPushes(clock, keep) {
  const post = createPost()
  /** @type {PushRecord[]} */
  const records = []

  /**
   * @param {PlatformState} platform
   * @param {string} message
   * @param {PushOptions} [options]
   * @returns {Promise<RecordedPush>} rejects if there is no answer
   */
  async function send(platform, message, options = {}) {
    const record = recordOf(platform, message, options, clock.now())
    records.push(record)
    if (records.length > keep) records.shift()
    try {
      return Object.assign(record, await post.send(record.url, record.body))
    } catch (error) {
      record.error = /** @type {Error} */ (error)
      throw new Error(`a push to ${urlOf(platform)} got no answer: ${record.error.message}`, { cause: error })
    }
  }

  return {
    records,
    send,
    /**
     * The message is given its receiver and its time.
     * @param {PlatformState} platform
     * @param {Readonly<Record<string, string | number>>} elements
     * @param {PushOptions} [options]
     */
    sendElements(platform, elements, options = {}) {
      const time = seconds(options.createTime ?? clock.now())
      return send(platform, xml({ AppId: platform.appid, CreateTime: time, ...elements }), options)
    },
    close: post.close,
  }
}

/**
 * @param {PlatformState} platform
 * @param {string} message
 * @param {PushOptions} options
 * @param {number} now
 * @returns {PushRecord}
 */
function recordOf(platform, message, options, now) {
  const { encryptedAppid: appid = platform.appid, encodingAESKey = platform.encodingAESKey } = options
  const encrypted = encrypt(message, { encodingAESKey, appid })
  const query = queryOf(platform.pushToken, encrypted, seconds(now), options.msgSignature)
  const url = new URL(urlOf(platform))
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const body = xml({ [options.receiverElement ?? 'AppId']: platform.appid, Encrypt: encrypted })
  return { at: now, platform: platform.appid, infoType: infoTypeIn(message), message, url: url.href, body }
}

/**
 * @param {string} token
 * @param {string} encrypted
 * @param {number} time seconds
 * @param {string} [msgSignature]
 */
function queryOf(token, encrypted, time, msgSignature) {
  const timestamp = String(time)
  const nonce = String(randomInt(1e8, 1e9))
  return {
    signature: signatureOf(token, timestamp, nonce),
    timestamp,
    nonce,
    encrypt_type: 'aes',
    msg_signature: msgSignature ?? signatureOf(token, timestamp, nonce, encrypted),
  }
}

/** @param {PlatformState} platform */
function urlOf({ appid, platform }) {
  if (platform.pushUrl) return platform.pushUrl
  throw new TypeError(`platforms: ${appid} has no pushUrl, where its pushes go`)
}

module.exports = { createPushes, urlOf }
