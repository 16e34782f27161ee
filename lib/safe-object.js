'use strict'

/**
 * Reads objects of others (callers, WeChat's JSON, the addon) without prototype pollution. Properties of an object and of its
 * class count, properties of `Object.prototype` do not: an unsafe merge of JSON may have set them, and the client would send
 * the AppSecret to a `baseUrl` that the caller did not pass.
 *
 * JSON carries no functions, so a look-up of `then` and `toJSON` on `Object.prototype` is harmless. A look-up of an iterator's
 * `return` is not: a value that is no function throws, and `const [a] = list` looks it up.
 */

const { getPrototypeOf, hasOwn } = Object

/** A class of null-prototype objects. Its instances are as fast as literals, in contrast to `Object.create(null)`. */
class NullProto {}
Object.setPrototypeOf(NullProto.prototype, null)
Reflect.deleteProperty(NullProto.prototype, 'constructor')
Object.freeze(NullProto.prototype)

/**
 * Copies an object's own properties to a null-prototype object.
 *
 * @template {object | null | undefined} T
 * @param {T} fields
 * @returns {NonNullable<T>}
 */
const nullProtoCopy = (fields) => /** @type {NonNullable<T>} */ (Object.assign(new NullProto(), fields))

/**
 * Returns a property of an object or of its class, and undefined for one of `Object.prototype`. A getter runs once.
 *
 * @param {any} value anything
 * @param {string | symbol} key
 * @returns {any}
 */
function safeGet(value, key) {
  if (value === undefined || value === null) return undefined
  return hasOwn(value, key) || isOfClass(value, key) ? value[key] : undefined
}

/**
 * @param {any} value
 * @param {string | symbol} key
 */
function isOfClass(value, key) {
  for (let at = getPrototypeOf(value); at !== null && !isObjectPrototype(at); at = getPrototypeOf(at)) {
    if (hasOwn(at, key)) return true
  }
  return false
}

/**
 * Whether `value` is the `Object.prototype` of this realm or of another: a test runner's sandbox has its own.
 *
 * @param {object} value
 */
const isObjectPrototype = (value) =>
  value === Object.prototype || (getPrototypeOf(value) === null && hasOwn(value, 'isPrototypeOf'))

/**
 * Copies an object without the properties that are undefined.
 *
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, any>}
 */
const omitUndefined = (fields) => Object.fromEntries(Object.entries(fields).filter((entry) => entry[1] !== undefined))

module.exports = { NullProto, nullProtoCopy, safeGet, omitUndefined }
