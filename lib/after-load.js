'use strict'

/**
 * Runs `work` when the code that loads this package has run, and before the event loop can end. What Node tells async hooks of is
 * made here: made while a user's file loads the package, `jest --detectOpenHandles` takes it for an open handle of that file,
 * even if it keeps no process alive.
 *
 * @param {() => void} work
 */
function afterLoad(work) {
  // Of promises alone, such tools take no note. A microtask of `queueMicrotask` belongs to the file too.
  Promise.resolve().then(work)
}

module.exports = { afterLoad }
