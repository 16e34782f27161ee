'use strict'

const { reasonOf, sleepUnder } = require('./abort')
const { boundedMap } = require('./bounded-map')
const { invalid } = require('./errors')
const { excerpt } = require('./excerpt')
const { ENDPOINT_BY_KIND, codeFields, hasMinuteQuota } = require('./kinds')
const { bare, own } = require('./own')
const { validate } = require('./validate')

/** @typedef {import('../index').WxaCode} WxaCode */
/** @typedef {import('../index').BatchJob} Job */
/** @typedef {import('../index').BatchResult} Result */
/** @typedef {import('../index').CodeImage} CodeImage */
/** @typedef {import('./language').Language} Language */

const DEFAULT_CONCURRENCY = 16
/** How many minutes in a row WeChat may call full. After that it is not the minute's quota that is used up, but the day's. */
const MAX_FULL_MINUTES = 3
/** Scopes by which WeChat refuses a call of a minute that is full. */
const RATE_LIMITS = new Set(['rate', 'quota'])

const NO_OPTIONS = Object.freeze(bare({}))

/**
 * Codes, in the order in which they are done. An error that every other job would meet ends the batch.
 *
 * @param {WxaCode} wxa
 * @param {Iterable<Job> | AsyncIterable<Job>} jobs
 * @param {import('../index').BatchOptions} [options]
 * @param {Language} [lang] of the client
 * @returns {AsyncGenerator<Result, void, undefined>}
 */
async function* batch(wxa, jobs, options = NO_OPTIONS, lang = undefined) {
  const { concurrency = DEFAULT_CONCURRENCY, signal, timeoutMs } = validate('batch', options, 'batch', lang)
  /** @type {(job: Job, task: import('./bounded-map').Task) => Promise<Result>} */
  const worker = async (job, { index, signal: taskSignal, stop }) => {
    try {
      return { job, index, image: await fetchCode(wxa, callOf(job, lang), { signal: taskSignal, timeoutMs }) }
    } catch (thrown) {
      const error = /** @type {any} */ (thrown)
      if (isAccountError(error)) stop(error)
      return { job, index, error }
    }
  }
  yield* boundedMap(iteratorOf(jobs, lang), worker, { concurrency, signal })
}

/**
 * @param {WxaCode} wxa
 * @param {{ method: import('./schemas').CodeEndpoint, params: unknown }} request
 * @param {{ signal: AbortSignal, timeoutMs?: number }} call
 */
function fetchCode(wxa, { method, params }, call) {
  return withRateLimitWait(() => wxa[method](/** @type {any} */ (params), call), call.signal)
}

/**
 * Makes a call, and again after each minute that is full.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
async function withRateLimitWait(call, signal) {
  let fullMinutes = 0
  for (;;) {
    try {
      return await call()
    } catch (thrown) {
      const error = /** @type {any} */ (thrown)
      if (isMinuteFull(error)) fullMinutes += 1
      else if (own(error, 'code') !== 'ERR_WXA_RATE_LIMIT') throw error
      if (fullMinutes > MAX_FULL_MINUTES) throw error
      // After WeChat's own refusal the next call fails here, and says how long to wait.
      await sleepUnder(own(error, 'retryAfterMs') ?? 0, signal)
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
const isMinuteFull = (error) => hasMinuteQuota(own(error, 'endpoint')) && RATE_LIMITS.has(own(error, 'scope'))

/**
 * Whether every other job would fail in the same way.
 *
 * @param {any} error
 */
const isAccountError = (error) => own(error, 'stopsBatch') === true

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
