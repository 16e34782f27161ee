'use strict'

const { types } = require('node:util')
const { safeGet } = require('./safe-object')

/**
 * Wraps the caller's own store for the addon: one function, whose result is a promise of one type.
 *
 * @param {import('../index').PlatformStore} store
 * @returns {(request: import('../binding').StoreRequest) => Promise<import('../binding').StoreAnswer>}
 */
function platformStore(store) {
  // Without a reference the promise would be collected, and the call that waits for it would never settle.
  const pending = new Set()
  return (request) => {
    const asked = ask(store, request).finally(() => pending.delete(asked))
    pending.add(asked)
    return asked
  }
}

/**
 * @param {import('../index').PlatformStore} store
 * @param {import('../binding').StoreRequest} request
 */
async function ask(store, { operation, key, value }) {
  if (operation === 'set') {
    await store.set(key, new Uint8Array(/** @type {Buffer} */ (value)))
    return {}
  }
  if (operation === 'delete') {
    await store.delete(key)
    return {}
  }
  const given = await store.get(key)
  if (given === undefined || given === null) return {}
  if (!types.isUint8Array(given)) throw new TypeError('get() gave no Uint8Array and no Buffer')
  return { value: Buffer.from(given) }
}

/** @param {unknown} value */
const isStore = (value) =>
  typeof value === 'object' &&
  value !== null &&
  ['get', 'set', 'delete'].every((name) => typeof safeGet(value, name) === 'function')

module.exports = { isStore, platformStore }
