import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { checkText } from './suite.mjs'

const storage = new AsyncLocalStorage()

const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

/** The store of the present context. */
export const storeHere = () => storage.getStore()

/** Runs what a test does in an async context of its own, which `store` names. */
export const as = (store, work) => storage.run(store, work)

/**
 * Keeps all that is published of the calls of some accounts, and of requests to one port, each with the context in which it was
 * published. When the test ends, it is searched for secrets.
 */
export function traceOf(t, { appids, port, secrets = () => [] }) {
  const heard = []
  const waiting = new Set()
  const hear = (what, message) => {
    const call = what === 'attempt' ? message.call : message
    if (what === 'attempt' ? message.port !== port : !appids.includes(message.appid)) return
    const members = call && Object.keys(call)
    heard.push({ what, message, call, members, store: storage.getStore(), shown: inspect(message, { depth: 20 }) })
    for (const look of waiting) look()
  }
  const ears = [
    ...PHASES.map((phase) => [`tracing:wxacode:call:${phase}`, (message) => hear(phase, message)]),
    ['wxacode:attempt', (message) => hear('attempt', message)],
  ]
  for (const [name, ear] of ears) subscribe(name, ear)
  t.after(() => {
    for (const [name, ear] of ears) unsubscribe(name, ear)
    checkText(heard.map(({ shown }) => shown).join('\n'), secrets())
  })
  const inStore = (store) => heard.filter((one) => one.store === store)
  return {
    heard,
    phases: (store) => inStore(store).map(({ what }) => what),
    attempts: (store) =>
      inStore(store)
        .filter(({ what }) => what === 'attempt')
        .map(({ message }) => message),
    /** The one call with this context: all its messages have the same object. */
    call(store) {
      const calls = [...new Set(inStore(store).map(({ call }) => call))]
      assert.equal(calls.length, 1, `${calls.length} calls in ${store}`)
      return calls[0]
    },
    /** Resolves with the first message that `is` finds. */
    told: (is) =>
      new Promise((resolve) => {
        const look = () => {
          const found = heard.find(is)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}
