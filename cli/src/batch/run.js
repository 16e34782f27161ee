import { basename, join, resolve } from 'node:path'
import { Interrupted, PdfError } from '../errors.js'
import { createCounters } from './counters.js'
import { openFolder } from './folder.js'
import { openJournal } from './journal.js'
import { preflight } from './preflight.js'
import { createProgress } from './progress.js'
import { openReport } from './report.js'
import { writePdf } from './sheet/pdf.js'
import { writeSheet } from './sheet/sheet.js'
import { summaryOf } from './summary.js'
import { fetchAll, pendingRows, validRows } from './work.js'

/** @import { WxaCode } from 'wxacode' */
/** @import { Io } from '../io.js' */
/** @import { Folder } from './folder.js' */
/** @import { PlanList } from './plan-list.js' */
/** @import { Preflight } from './preflight.js' */
/** @import { Look } from './sheet/document.js' */
/** @import { BatchContext } from './work.js' */

/**
 * @typedef {object} RunOptions
 * @property {string} out the folder
 * @property {Look} look of the contact sheet
 * @property {string} [title] of the contact sheet
 * @property {string} [chromium] the browser that writes the contact sheet as a PDF
 * @property {number} [concurrency]
 * @property {number} [rate]
 * @property {boolean} [force] what looks damaged is meant
 * @property {string} key of the journal: what only the owner of the account knows
 */

/** @typedef {{ sheet?: string, pdf?: string[], pdfError?: PdfError, interrupted?: Interrupted }} Drawn */

/**
 * A list into a folder: reads it once for what is wrong with it as a whole, once to ask, and once for the contact sheet.
 * Without a client nothing is asked.
 *
 * @param {PlanList} plans
 * @param {WxaCode | undefined} wxa
 * @param {RunOptions} options
 * @param {Io} io
 */
export async function runBatch(plans, wxa, options, io) {
  const found = await preflight(plans, options)
  const folder = openFolder(resolve(options.out))
  try {
    const { context, progress } = await openContext(found, folder, plans, options, io)
    const asking = wxa ? ask(plans, wxa, options, io, context) : drain(validRows(plans.read(), context))
    const stopped = await asking.catch((error) => error).finally(progress.stop)
    const report = await context.report.finish()
    // A user who stops a batch does not want to wait for a contact sheet.
    const isDone = wxa !== undefined && !(stopped instanceof Interrupted)
    const drawn = isDone ? await drawSheet(plans, context, { ...options, report }, io) : {}
    context.journal.close()
    const inside = (/** @type {string} */ file) => join(options.out, file)
    const files = {
      report: report && inside(report),
      sheet: drawn.sheet && inside(drawn.sheet),
      pdf: drawn.pdf?.map(inside),
    }
    const lifetimeQuota = wxa?.stats().lifetimeQuota
    const end = { counters: context.counters, isDryRun: wxa === undefined, stopped: stopped ?? drawn.interrupted }
    return summaryOf({ ...end, lifetimeQuota, ...files, pdfError: drawn.pdfError }, io)
  } finally {
    folder.close()
  }
}

/**
 * @param {Preflight} found
 * @param {Folder} folder
 * @param {PlanList} plans
 * @param {RunOptions} options
 * @param {Io} io
 */
async function openContext(found, folder, { list, columns }, options, io) {
  const counters = createCounters(found.rows, options.rate)
  const progress = createProgress(counters, io)
  /** @type {BatchContext} */
  const context = {
    preflight: found,
    folder,
    journal: await openJournal(folder, options.key),
    report: openReport(folder, { list, columns: [...columns], lang: io.lang }),
    counters,
    lang: io.lang,
    onProgress: progress.update,
  }
  return { context, progress }
}

/**
 * @param {PlanList} plans
 * @param {WxaCode} wxa
 * @param {RunOptions} options
 * @param {Io} io
 * @param {BatchContext} context
 */
function ask(plans, wxa, { concurrency }, { signal }, context) {
  return fetchAll(pendingRows(validRows(plans.read(), context), context), wxa, { concurrency, signal }, context)
}

/**
 * All codes that are there, in the order of the list, and the rows that failed: a page, and a PDF if it is wanted.
 *
 * @param {PlanList} plans
 * @param {BatchContext} context
 * @param {RunOptions & { report?: string }} options
 * @param {Io} io
 * @returns {Promise<Drawn>}
 */
async function drawSheet(plans, { folder, journal, counters, preflight: { clashes } }, options, io) {
  const { look, title = basename(folder.path), report, chromium } = options
  async function* codes() {
    for await (const { plan } of plans.read()) {
      const file = clashes.has(plan.key) ? undefined : journal.fileOf(plan)
      if (file !== undefined) yield { file, label: plan.label }
    }
  }
  const { failures, failed, total } = counters
  const contents = { codes, rows: total, failures, failed, report }
  const { file, sheet } = await writeSheet(contents, { folder, look, title, io })
  if (chromium === undefined) return { sheet: file }
  try {
    return { sheet: file, pdf: await writePdf(codes(), sheet, { folder, chromium, io }) }
  } catch (error) {
    if (error instanceof Interrupted) return { sheet: file, interrupted: error }
    // The codes and the sheet are there, and the summary says so.
    if (error instanceof PdfError) return { sheet: file, pdfError: error }
    throw error
  }
}

/** @param {AsyncIterable<unknown>} all */
async function drain(all) {
  for await (const _ of all);
}
