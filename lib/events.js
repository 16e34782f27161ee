'use strict'

const { channel } = require('node:diagnostics_channel')

/**
 * What happens inside, on `node:diagnostics_channel`. The addon is asked to tell of it only while somebody subscribes,
 * which is looked up at every call: everything that happens begins with one.
 */
const channels = {
  token: channel('wxacode:token'),
  redis: channel('wxacode:redis'),
  request: channel('wxacode:request'),
  cache: channel('wxacode:cache'),
  platform: channel('wxacode:platform'),
}

let listening = false

/**
 * @param {typeof import('../binding')} native
 * @param {import('../binding').CompletionQueueHandle} completionQueue
 */
function syncSubscription(native, completionQueue) {
  const wanted =
    channels.token.hasSubscribers ||
    channels.redis.hasSubscribers ||
    channels.request.hasSubscribers ||
    channels.cache.hasSubscribers ||
    channels.platform.hasSubscribers
  if (wanted === listening) return
  listening = wanted
  if (wanted) native.listen(completionQueue)
  else native.unlisten()
}

/** @param {import('../binding').NativeEvent} event */
function publish({ channel: name, ...event }) {
  channels[/** @type {keyof typeof channels} */ (name)].publish(event)
}

/**
 * For those who do not subscribe: what a call has met that its outcome does not show. Each is told once in a process, on
 * whichever thread has an outcome to hear next.
 *
 * @param {string} text
 */
function warn(text) {
  process.emitWarning(text, { type: 'WxaCodeWarning', code: 'WXA_REDIS' })
}

module.exports = { syncSubscription, publish, warn }
