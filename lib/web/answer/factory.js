'use strict'

const { wrongArgument } = require('../../errors')

/** @typedef {import('../../language').Text} Text */

/**
 * @typedef {object} Wanted
 * @property {string} handler
 * @property {string} param
 * @property {(value: any) => boolean} isOne
 * @property {Text} one what has to be given
 * @property {Text} factory a function that makes it
 */

/**
 * What a handler was given, or what the factory that it was given makes. A factory is called at the first request that needs it,
 * and what it has made is used from then on. If the factory throws, the waiting requests fail, and the next request calls it again.
 *
 * @param {any} given
 * @param {Wanted} wanted
 * @returns {() => any}
 */
function givenOrMade(given, wanted) {
  if (wanted.isOne(given)) return () => given
  if (typeof given !== 'function') throw wrongArgument(wanted.param, wanted.one, wanted.handler)
  /** @type {Promise<any> | undefined} */
  let made
  return () => {
    made ??= make(given, wanted).catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
}

/**
 * @param {() => any} factory
 * @param {Wanted} wanted
 */
async function make(factory, wanted) {
  const made = await factory()
  if (!wanted.isOne(made)) throw wrongArgument(wanted.param, wanted.factory, wanted.handler)
  return made
}

module.exports = { givenOrMade }
