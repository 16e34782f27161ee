'use strict'

const { createCipheriv, hash, randomBytes } = require('node:crypto')

const BLOCK_BYTES = 32

/**
 * The `Encrypt` of a push: AES-256-CBC of 16 random bytes, the length of the message, the message and an appid.
 * https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
 * @param {string} message
 * @param {{ encodingAESKey: string, appid: string, random?: Uint8Array }} by
 */
function encrypt(message, { encodingAESKey, appid, random = randomBytes(16) }) {
  const key = Buffer.from(`${encodingAESKey}=`, 'base64')
  const text = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  const plain = Buffer.concat([random, length, text, Buffer.from(appid)])
  // A cipher pads to its own block, which is 16.
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(padded(plain)), cipher.final()]).toString('base64')
}

/**
 * PKCS#7 to blocks of 32 bytes: 1 to 32 bytes more.
 * @param {Buffer} bytes
 */
function padded(bytes) {
  const more = BLOCK_BYTES - (bytes.length % BLOCK_BYTES)
  return Buffer.concat([bytes, Buffer.alloc(more, more)])
}

/**
 * `signature` covers token, timestamp and nonce; `msg_signature` the encrypted message too.
 * @param {...string} parts
 */
const signatureOf = (...parts) => hash('sha1', parts.sort().join(''))

module.exports = { encrypt, signatureOf }
