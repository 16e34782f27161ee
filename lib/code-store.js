'use strict'

const { Buffer } = require('node:buffer')
const { types } = require('node:util')
const { keyOf } = require('./code-key')
const native = require('./native')
const { inContextOf } = require('./tracing')

/** @typedef {import('../index').CodeStore} CodeStore */

/**
 * The handles of stores, so that clients with the same store share what they keep of it in memory. Weak, because a handle keeps
 * its store alive.
 *
 * @type {WeakMap<CodeStore, WeakRef<import('../binding').CodeStoreHandle>>}
 */
const handles = new WeakMap()

/**
 * The addon's handle of a caller's store. Whoever uses it holds it.
 *
 * @param {CodeStore} store
 */
function handleOf(store) {
  const known = handles.get(store)?.deref()
  if (known !== undefined) return known
  const handle = new native.CodeStoreHandle(wrapped(store))
  handles.set(store, new WeakRef(handle))
  return handle
}

/**
 * Wraps a store for the addon: one function, whose result is a promise of one type. The functions of the store run in the async
 * context of the call that the picture is for, if that is traced, and otherwise in that of no call.
 *
 * @param {CodeStore} store
 * @returns {(request: import('../binding').StoreRequest) => Promise<import('../binding').StoreAnswer>}
 */
function wrapped(store) {
  // Without a reference the promise would be collected, and the call that waits for it would never settle.
  const pending = new Set()
  return (request) => {
    const asked = inContextOf(request.call ?? 0, () => ask(store, request)).finally(() => pending.delete(asked))
    pending.add(asked)
    return asked
  }
}

/**
 * @param {CodeStore} store
 * @param {import('../binding').StoreRequest} request
 */
async function ask(store, { operation, key: identity, value, namespace = '', limitMs = 0 }) {
  const key = `${namespace}/${keyOf(identity)}`
  const context = new CodeStoreContext(namespace.split('/', 1)[0], limitMs)
  if (operation === 'set') {
    await store.set(key, Buffer.from(/** @type {Buffer} */ (value)), context)
    return {}
  }
  const given = await store.get(key, context)
  if (given === undefined || given === null) return {}
  if (!types.isUint8Array(given)) throw new TypeError('get() gave no Uint8Array and no Buffer')
  return { value: Buffer.from(given) }
}

/** What a store gets besides the key. */
class CodeStoreContext {
  /** @type {AbortSignal | undefined} */
  #signal
  #limitMs

  /**
   * @param {string} appid
   * @param {number} limitMs
   */
  constructor(appid, limitMs) {
    this.appid = appid
    this.#limitMs = limitMs
  }

  /** Made when it is asked for: a timer costs more than most stores' own work. */
  get signal() {
    this.#signal ??= AbortSignal.timeout(this.#limitMs)
    return this.#signal
  }
}

module.exports = { handleOf }
