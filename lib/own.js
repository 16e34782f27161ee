'use strict'

/**
 * Reading what others hand over: callers, their classes and functions, WeChat's JSON, the addon. What belongs to an object or
 * to its class counts, never what stands on `Object.prototype`: there a careless merge of somebody's JSON may have put it, and
 * the client would send the AppSecret to a `baseUrl` that the caller did not give.
 *
 * JSON carries no functions, so `then` and `toJSON` may be looked up there. The `return` of an iterator may not: what is no
 * function would throw, and `const [a] = list` asks for it.
 */

const { getPrototypeOf, hasOwn } = Object

/**
 * An object with nothing behind it: what it has not is undefined. One of a class is as quick as a literal, which
 * `Object.create(null)` is not.
 */
class Bare {}
Object.setPrototypeOf(Bare.prototype, null)
Reflect.deleteProperty(Bare.prototype, 'constructor')
Object.freeze(Bare.prototype)

/**
 * A copy of what an object has itself, with nothing behind it.
 *
 * @template {object | null | undefined} T
 * @param {T} fields
 * @returns {NonNullable<T>}
 */
const bare = (fields) => /** @type {NonNullable<T>} */ (Object.assign(new Bare(), fields))

/**
 * A property of an object or of its class. A getter runs once.
 *
 * @param {any} value anything
 * @param {string | symbol} key
 * @returns {any}
 */
function own(value, key) {
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
 * Whether it is the `Object.prototype` of this realm or of another: a test runner's sandbox has its own.
 *
 * @param {object} value
 */
const isObjectPrototype = (value) =>
  value === Object.prototype || (getPrototypeOf(value) === null && hasOwn(value, 'isPrototypeOf'))

/**
 * What is not known is not there.
 *
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, any>}
 */
const omitUndefined = (fields) => Object.fromEntries(Object.entries(fields).filter((entry) => entry[1] !== undefined))

module.exports = { Bare, bare, own, omitUndefined }
