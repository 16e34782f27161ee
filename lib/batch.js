'use strict'

const { Aborter, reasonOf, sleepUnder } = require('./abort')
const { boundedMap } = require('./bounded-map')
const { invalid } = require('./errors')
const { excerpt } = require('./excerpt')
const { ENDPOINT_BY_KIND, codeFields, hasMinuteQuota } = require('./kinds')
const { nullProtoCopy, safeGet } = require('./safe-object')
const { validate } = require('./validate')

/** @typedef {import('../index').WxaCode} WxaCode */
/** @typedef {import('../index').BatchJob} Job */
/** @typedef {import('../index').BatchResult} Result */
/** @typedef {import('../index').CodeImage} CodeImage */
/** @typedef {import('./language').Language} Language */
/** @typedef {InstanceType<typeof import('./opened').Activity>} Activity */

const DEFAULT_CONCURRENCY = 16
/** After so many refusals by the minute in a row, the quota of the day is used up. */
const MAX_FULL_MINUTES = 3
/** Scopes of WeChat's refusals when the quota of a minute is used up. */
const RATE_LIMITS = new Set(['rate', 'quota'])

const NO_OPTIONS = Object.freeze(nullProtoCopy({}))

/**
 * Yields the result of each job when it is done. An error that every other job would fail with ends the batch, and so does the
 * end of the client.
 *
 * @param {WxaCode} wxa
 * @param {Iterable<Job> | AsyncIterable<Job>} jobs
 * @param {import('../index').BatchOptions} [options]
 * @param {Language} [lang] of the client
 * @param {Activity[]} activities of the client and of its platform
 * @returns {AsyncGenerator<Result, void, undefined>}
 */
async function* batch(wxa, jobs, options = NO_OPTIONS, lang = undefined, activities = []) {
  const { concurrency = DEFAULT_CONCURRENCY, signal, timeoutMs } = validate('batch', options, 'batch', lang)
  const closing = new Aborter()
  /** @type {(job: Job, task: import('./bounded-map').Task) => Promise<Result>} */
  const worker = async (job, { index, signal: taskSignal, stop }) => {
    try {
      const call = { signal: taskSignal, timeoutMs }
      return { job, index, image: await fetchCode(wxa, callOf(job, lang), call, closing.signal) }
    } catch (thrown) {
      const error = /** @type {any} */ (thrown)
      if (stopsBatch(error)) stop(error)
      return { job, index, error }
    }
  }
  // From then on every call fails in the same way.
  const onClose = () => void wxa.ready().catch((error) => closing.abort(error))
  const source = iteratorOf(jobs, lang)
  const ends = activities.map((activity) => activity.beginBatch(onClose))
  try {
    yield* boundedMap(source, worker, { concurrency, signal, closing: closing.signal })
  } finally {
    for (const end of ends) end()
  }
}

/**
 * @param {WxaCode} wxa
 * @param {{ method: import('./schemas').CodeEndpoint, params: unknown }} request
 * @param {{ signal: AbortSignal, timeoutMs?: number }} call
 * @param {AbortSignal} closing
 */
function fetchCode(wxa, { method, params }, call, closing) {
  return withRateLimitWait(() => wxa[method](/** @type {any} */ (params), call), call.signal, closing)
}

/**
 * Makes a call, and repeats it after each minute whose quota is used up.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {AbortSignal} signal
 * @param {AbortSignal[]} closing a client that is closed makes no call in the next minute either
 * @returns {Promise<T>}
 */
async function withRateLimitWait(call, signal, ...closing) {
  let fullMinutes = 0
  for (;;) {
    try {
      return await call()
    } catch (thrown) {
      const error = /** @type {any} */ (thrown)
      if (isMinuteFull(error)) fullMinutes += 1
      else if (safeGet(error, 'code') !== 'ERR_WXA_RATE_LIMIT') throw error
      if (fullMinutes > MAX_FULL_MINUTES) throw error
      // After WeChat's refusal the next call fails in the client, and its error says how long to wait.
      await sleepUnder(safeGet(error, 'retryAfterMs') ?? 0, signal, ...closing)
      if (signal.aborted) throw reasonOf(signal)
    }
  }
}

/**
 * @param {any} job
 * @param {Language} [lang]
 */
function callOf(job, lang) {
  const { kind, meta, ...params } = codeFields(typeof job === 'object' ? job : null)
  if (typeof kind !== 'string' || !Object.hasOwn(ENDPOINT_BY_KIND, kind)) throw wrongKind(kind, lang)
  return { method: ENDPOINT_BY_KIND[/** @type {Job['kind']} */ (kind)], params }
}

/** @param {any} error */
const isMinuteFull = (error) => hasMinuteQuota(safeGet(error, 'endpoint')) && RATE_LIMITS.has(safeGet(error, 'scope'))

/**
 * Whether an error ends the batch, because every other job would fail in the same way.
 *
 * @param {any} error
 */
const stopsBatch = (error) => safeGet(error, 'stopsBatch') === true

/**
 * @param {any} jobs
 * @param {Language} [lang]
 */
function iteratorOf(jobs, lang) {
  const make = typeof jobs === 'object' ? (jobs?.[Symbol.asyncIterator] ?? jobs?.[Symbol.iterator]) : undefined
  if (typeof make === 'function') return make.call(jobs)
  const cause = { zh: 'jobs 不可迭代', en: 'jobs cannot be iterated' }
  const fix = {
    zh: "传入数组、生成器或异步迭代器，元素形如 { kind: 'unlimited', scene: 'id=1' }",
    en: "Pass an array, a generator or an async iterable of jobs like { kind: 'unlimited', scene: 'id=1' }",
  }
  throw invalid({ endpoint: 'batch', param: 'jobs', explanation: { cause, fix } }, lang)
}

/**
 * @param {unknown} kind
 * @param {Language} [lang]
 */
function wrongKind(kind, lang) {
  const cause =
    kind === undefined
      ? { zh: '任务没有 kind', en: 'a job has no kind' }
      : { zh: `任务的 kind 是 ${show(kind)}`, en: `a job's kind is ${show(kind)}` }
  const kinds = Object.keys(ENDPOINT_BY_KIND)
  const fix = { zh: `kind 取 ${kinds.join('、')} 之一`, en: `Set kind to one of ${kinds.join(', ')}` }
  return invalid({ endpoint: 'batch', param: 'kind', explanation: { cause, fix } }, lang)
}

/** @param {unknown} value */
const show = (value) => (typeof value === 'string' ? JSON.stringify(excerpt(value)) : typeof value)

module.exports = { batch, withRateLimitWait }
