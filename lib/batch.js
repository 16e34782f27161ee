'use strict'

const { setImmediate: nextTurn } = require('node:timers/promises')
const { Aborter, reasonOf, sleepUnder } = require('./abort')
const { invalid } = require('./errors')
const { excerpt } = require('./excerpt')
const { KINDS, codeFields } = require('./kinds')
const { bare, own } = require('./own')
const { checked } = require('./shape')

/** @typedef {import('../index').WxaCode} WxaCode */
/** @typedef {import('../index').BatchJob} Job */
/** @typedef {import('../index').BatchResult} Result */

const DEFAULT_CONCURRENCY = 16
/** So many results are given before other events of the loop have their turn: kept codes come without one. */
const AT_ONCE = 64
/** How many minutes that WeChat calls full are waited for. After that it is no minute that is full, but the day. */
const FULL_MINUTES = 3

const NO_OPTIONS = Object.freeze(bare({}))

/**
 * Codes in the order in which they are done. Jobs are taken while there is room for their results, so that however many
 * there are, no more than `concurrency` are held.
 *
 * @param {WxaCode} wxa
 * @param {Iterable<Job> | AsyncIterable<Job>} jobs
 * @param {import('../index').BatchOptions} [options]
 * @returns {AsyncGenerator<Result, void, undefined>}
 */
async function* batch(wxa, jobs, options = NO_OPTIONS) {
  const { concurrency = DEFAULT_CONCURRENCY, signal, timeoutMs } = checked('batch', options, 'batch')
  const source = iteratorOf(jobs)
  if (signal?.aborted) throw reasonOf(signal)
  const desk = new Desk(concurrency)
  const onAbort = () => desk.close(reasonOf(signal))
  signal?.addEventListener('abort', onAbort)
  feed(desk, source, (job) => fetchInTurn(wxa, job, { signal: desk.signal, timeoutMs }))
  try {
    for (let result = await desk.next(); result; result = await desk.next()) yield result
  } finally {
    signal?.removeEventListener('abort', onAbort)
    desk.close(new Error('nobody takes the results of this batch any more'))
    await desk.settled(own(source, 'return')?.call(source))
  }
}

/** Where jobs are begun and results wait to be taken. */
class Desk {
  #room
  /** @type {Result[]} */
  #results = []
  #isFed = false
  #isPulling = false
  /** @type {unknown} */
  #failure
  #hasFailed = false
  #given = 0
  #calls = new Aborter()
  /** Wakes whoever waits for something to change here. */
  #bell = createBell()

  /** @param {number} concurrency */
  constructor(concurrency) {
    this.#room = concurrency
    this.concurrency = concurrency
  }

  get signal() {
    return this.#calls.signal
  }

  /** The next result; nothing after the last. Throws what ended the batch before its end. */
  async next() {
    for (;;) {
      const result = this.#results.shift()
      if (result && !this.signal.aborted) {
        this.#room += 1
        this.#bell.ring()
        this.#given += 1
        if (this.#given % AT_ONCE === 0) await nextTurn()
        return result
      }
      const isIdle = this.#isFed && this.#room === this.concurrency
      if (isIdle || this.signal.aborted) {
        if (this.#hasFailed) throw this.#failure
        return undefined
      }
      await this.#bell.rung()
    }
  }

  /** Whether another job may begin; waits for room. */
  async hasRoom() {
    while (this.#room === 0 && this.#takesJobs()) await this.#bell.rung()
    return this.#takesJobs()
  }

  /**
   * The next job, if there is one that may still begin.
   *
   * @param {Iterator<Job> | AsyncIterator<Job>} source
   */
  async pull(source) {
    this.#isPulling = true
    const pulled = await source.next()
    this.#isPulling = false
    return own(pulled, 'done') || !this.#takesJobs() ? undefined : { job: own(pulled, 'value') }
  }

  /**
   * @param {Job} job
   * @param {number} index
   * @param {Promise<import('../index').CodeImage>} fetched
   */
  begin(job, index, fetched) {
    this.#room -= 1
    const put = (/** @type {Result} */ result) => {
      this.#results.push(result)
      this.#bell.ring()
    }
    fetched.then(
      (image) => put({ job, index, image }),
      (error) => {
        if (refusesAccount(error)) this.fail(error)
        put({ job, index, error })
      },
    )
  }

  /**
   * No more jobs, and when all that have begun are taken the batch throws this.
   *
   * @param {unknown} failure
   */
  fail(failure) {
    if (!this.#hasFailed) this.#failure = failure
    this.#hasFailed = true
    this.#bell.ring()
  }

  /** All jobs have begun. */
  fed() {
    this.#isFed = true
    this.#bell.ring()
  }

  /**
   * Ends what is under way.
   *
   * @param {unknown} reason
   */
  close(reason) {
    if (this.signal.aborted) return
    this.fail(reason)
    this.#failure = reason
    this.#calls.abort(reason)
    this.#bell.ring()
  }

  /**
   * Waits until the source has put away its things; not if it is asked for a job that may never come.
   *
   * @param {unknown} returned
   */
  async settled(returned) {
    if (this.#isPulling) Promise.resolve(returned).catch(() => {})
    else await returned
  }

  #takesJobs() {
    return !this.#hasFailed
  }
}

/**
 * Begins jobs while there is room for them.
 *
 * @param {Desk} desk
 * @param {Iterator<Job> | AsyncIterator<Job>} source
 * @param {(job: Job) => Promise<import('../index').CodeImage>} fetch
 */
async function feed(desk, source, fetch) {
  try {
    for (let index = 0; await desk.hasRoom(); index += 1) {
      const pulled = await desk.pull(source)
      if (pulled === undefined) break
      desk.begin(pulled.job, index, fetch(pulled.job))
    }
  } catch (error) {
    desk.fail(error)
  }
  desk.fed()
}

/**
 * One code. A minute that is full is waited for: that is no failure of the job.
 *
 * @param {WxaCode} wxa
 * @param {Job} job
 * @param {{ signal: AbortSignal, timeoutMs?: number }} call
 */
async function fetchInTurn(wxa, job, call) {
  const { method, params } = callOf(job)
  let fullMinutes = 0
  for (;;) {
    try {
      return await wxa[method](/** @type {any} */ (params), call)
    } catch (thrown) {
      const error = /** @type {any} */ (thrown)
      if (minuteIsFull(error)) fullMinutes += 1
      else if (own(error, 'code') !== 'ERR_WXA_RATE_LIMIT') throw error
      if (fullMinutes > FULL_MINUTES) throw error
      // WeChat's own word makes the next call say how long to wait.
      await sleepUnder(own(error, 'retryAfterMs') ?? 0, call.signal)
      if (call.signal.aborted) throw reasonOf(call.signal)
    }
  }
}

/** @param {any} job */
function callOf(job) {
  const { kind, meta, ...params } = codeFields(typeof job === 'object' ? job : null)
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) throw wrongKind(kind)
  return { method: KINDS[/** @type {keyof typeof KINDS} */ (kind)], params }
}

/** @param {any} error */
function minuteIsFull(error) {
  const errcode = own(error, 'errcode')
  return own(error, 'endpoint') === 'getUnlimitedQRCode' && (errcode === 45009 || errcode === 45011)
}

/** The account may not do this at all: 100,000 codes for life, no permission, blocked, a path of the cloud not listed. */
const REFUSALS = new Set([45029, 45063, 48001, 48004, 50002, 61003, 61007, 61016, 85105, 85107])

/**
 * Whether every other job would fail in the same way.
 *
 * @param {any} error
 */
function refusesAccount(error) {
  const code = own(error, 'code')
  const endpoint = own(error, 'endpoint')
  const errcode = own(error, 'errcode')
  if (code === 'ERR_WXA_CLOSED') return true
  if (code !== 'ERR_WXA_API') return false
  const isOfToken = endpoint === 'stable_token' || endpoint === 'token'
  if (isOfToken) return errcode !== -1 && errcode !== 45011
  return errcode === 45009 || REFUSALS.has(errcode)
}

/** @param {any} jobs */
function iteratorOf(jobs) {
  const make = typeof jobs === 'object' ? (jobs?.[Symbol.asyncIterator] ?? jobs?.[Symbol.iterator]) : undefined
  if (typeof make === 'function') return make.call(jobs)
  throw invalid({
    endpoint: 'batch',
    param: 'jobs',
    explanation: {
      cause: { zh: 'jobs 不可迭代', en: 'jobs cannot be iterated' },
      fix: {
        zh: "传入数组、生成器或异步迭代器，元素形如 { kind: 'unlimited', scene: 'id=1' }",
        en: "Pass an array, a generator or an async iterable of jobs like { kind: 'unlimited', scene: 'id=1' }",
      },
    },
  })
}

/** @param {unknown} kind */
const wrongKind = (kind) =>
  invalid({
    endpoint: 'batch',
    param: 'kind',
    explanation: {
      cause:
        kind === undefined
          ? { zh: '任务没有 kind', en: 'a job has no kind' }
          : { zh: `任务的 kind 是 ${show(kind)}`, en: `a job's kind is ${show(kind)}` },
      fix: {
        zh: `kind 取 ${Object.keys(KINDS).join('、')} 之一`,
        en: `Give kind as one of ${Object.keys(KINDS).join(', ')}`,
      },
    },
  })

/** @param {unknown} value */
const show = (value) => (typeof value === 'string' ? JSON.stringify(excerpt(value)) : typeof value)

function createBell() {
  /** @type {() => void} */
  let ring = () => {}
  let rung = Promise.resolve()
  const renew = () => {
    rung = new Promise((resolve) => {
      ring = () => resolve(undefined)
    })
  }
  renew()
  return {
    ring() {
      ring()
      renew()
    },
    rung: () => rung,
  }
}

module.exports = { batch }
