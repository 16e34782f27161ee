import { writeFile } from 'node:fs/promises'
import { imageType } from 'wxacode'
import { RowError } from '../errors.js'
import { failureOf, isNetworkFailure } from '../failure.js'
import { extensionOf } from '../files.js'
import { duplicateName } from './preflight.js'

/** @import { BatchJob, BatchOptions, WxaCode } from 'wxacode' */
/** @import { ImageType } from '../files.js' */
/** @import { Language } from '../language.js' */
/** @import { Folder } from './folder.js' */
/** @import { Journal } from './journal.js' */
/** @import { Plan } from './row-plan.js' */
/** @import { Report } from './report.js' */
/** @import { Preflight } from './preflight.js' */
/** @import { Counters } from './counters.js' */

/** After so many network failures in a row the batch ends: there is no network. */
const GIVE_UP_AFTER = 50

/**
 * What the functions of a batch share.
 *
 * @typedef {object} BatchContext
 * @property {Preflight} preflight
 * @property {Folder} folder
 * @property {Journal} journal
 * @property {Report} report
 * @property {Counters} counters
 * @property {Language} lang
 * @property {() => void} onProgress called when a counter has changed
 */

/**
 * Yields the valid rows and reports the invalid ones.
 *
 * @param {AsyncIterable<{ plan: Plan }>} list
 * @param {BatchContext} context
 */
export async function* validRows(list, context) {
  for await (const { plan } of list) {
    const error = plan.error ?? clashOf(plan, context) ?? context.folder.linked(plan.name)
    if (error) await reportFailure(plan, error, context)
    else yield plan
  }
}

/**
 * @param {Plan} plan
 * @param {BatchContext} context
 */
function clashOf(plan, { preflight: { clashes } }) {
  const clashing = clashes.get(plan.key)
  return clashing && duplicateName(plan, clashing)
}

/**
 * Yields the rows without a picture. A picture from another journal is requested again, unless its kind is limited for ever.
 *
 * @param {AsyncIterable<Plan>} plans
 * @param {BatchContext} context
 */
export async function* pendingRows(plans, context) {
  const { journal, counters, onProgress } = context
  for await (const plan of plans) {
    const status = await journal.statusOf(plan)
    if (status === 'yes') {
      counters.kept++
      onProgress()
    } else if (status === 'unverified' && plan.kind !== 'unlimited') {
      await reportFailure(plan, unverified(plan), context)
    } else {
      counters.ask()
      yield plan
    }
  }
}

/**
 * Requests codes and writes them, until all are written, an error ends the batch, or too many network failures follow.
 *
 * @param {AsyncIterable<Plan>} plans
 * @param {WxaCode} wxa
 * @param {BatchOptions} options
 * @param {BatchContext} context
 */
export async function fetchAll(plans, wxa, options, context) {
  let unanswered = 0
  for await (const { job, image, error } of wxa.batch(jobs(plans), options)) {
    const plan = /** @type {Plan} */ (job.meta)
    if (image) await writeImage(plan, image, context)
    else await reportFailure(plan, error, context)
    unanswered = isNetworkFailure(error) ? unanswered + 1 : 0
    if (unanswered === GIVE_UP_AFTER) throw error
  }
}

/**
 * @param {AsyncIterable<Plan>} plans
 * @returns {AsyncGenerator<BatchJob>}
 */
async function* jobs(plans) {
  for await (const plan of plans) yield/** @type {BatchJob} */ ({ kind: plan.kind, ...plan.params, meta: plan })
}

/**
 * @param {Plan} plan
 * @param {Buffer} image
 * @param {BatchContext} context
 */
async function writeImage(plan, image, { folder, journal, counters, onProgress }) {
  const type = /** @type {ImageType} */ (imageType(image))
  const temporary = folder.temporary('picture')
  await writeFile(temporary, image, { flag: 'wx' })
  const old = journal.add(plan, type, image)
  folder.publish(temporary, plan.name + extensionOf(type))
  if (old !== undefined) folder.remove(old)
  counters.written++
  onProgress()
}

/**
 * @param {Plan} plan
 * @param {unknown} error
 * @param {BatchContext} context
 */
async function reportFailure(plan, error, { report, counters, lang, onProgress }) {
  await report.add(plan, error)
  counters.fail(failureOf(error, lang), plan)
  onProgress()
}

/** @param {Plan} plan */
const unverified = ({ name }) =>
  new RowError(
    {
      zh: `${name} 的图片已在，但记录它的不是这个 AppSecret：AppSecret 已更换，或文件夹来自别处`,
      en: `the picture of ${name} exists, but no run with this AppSecret has recorded it: the file has changed, or the folder comes from elsewhere`,
    },
    {
      zh: '确认图片无误即可使用；要重新请求（计入累计 10 万个的额度），先删除该图片',
      en: 'Use the picture if it is right; to request it again, which counts towards the 100,000 in total, delete it first',
    },
    'name',
  )
