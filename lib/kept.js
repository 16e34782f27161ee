'use strict'

/**
 * The name of a method of `WxaCode` that is no part of its interface: the picture of a code that this process keeps. All
 * copies of this package know the name, because test runners load several.
 */
const KEPT = Symbol.for('wxacode.kept')

/** The same of the language of a client's errors, where the client has one of its own. */
const LANG = Symbol.for('wxacode.lang')

module.exports = { KEPT, LANG }
