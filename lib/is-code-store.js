'use strict'

const { safeGet } = require('./safe-object')

/** @param {unknown} value */
const isCodeStore = (value) =>
  typeof value === 'object' &&
  value !== null &&
  ['get', 'set'].every((name) => typeof safeGet(value, name) === 'function')

module.exports = { isCodeStore }
