'use strict'

/**
 * The key of a method of `WxaCode` that is not public: it returns the cached image of a code. The symbol is registered
 * globally, because test runners load several copies of this package.
 */
const CACHED = Symbol.for('wxacode.cached')

/** The key of the language of a client's errors. Undefined if the client has no option `lang`. */
const LANG = Symbol.for('wxacode.lang')

module.exports = { CACHED, LANG }
