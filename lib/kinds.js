'use strict'

/** Which call each kind of code is, by the words of batches, of `check` and of codes over HTTP. */
const KINDS = /** @type {const} */ ({
  unlimited: 'getUnlimitedQRCode',
  limited: 'getQRCode',
  qrcode: 'createQRCode',
})

module.exports = { KINDS }
