'use strict'

const { randomBytes } = require('node:crypto')

/**
 * A value as WeChat's samples show tickets, codes and refresh tokens.
 * @param {'ticket' | 'preauthcode' | 'queryauthcode' | 'refreshtoken'} kind
 */
const newValue = (kind) => `${kind}@@@${randomBytes(48).toString('base64url')}`

/** @param {Date | number} time in ms */
const seconds = (time) => Math.floor(Number(time) / 1000)

module.exports = { newValue, seconds }
