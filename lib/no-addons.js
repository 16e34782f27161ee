'use strict'

/** For webpack, which would follow every name of `lib/addons.js` and print an error or a warning for each. */
module.exports = () => undefined
