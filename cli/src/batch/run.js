import { basename, join, resolve } from 'node:path'
import { Interrupted } from '../errors.js'
import { openFolder } from './folder.js'
import { openJournal } from './journal.js'
import { createProgress } from './progress.js'
import { openReport } from './report.js'
import { writeSheet } from './sheet/sheet.js'
import { summaryOf } from './summary.js'
import { survey } from './survey.js'
import { createTally } from './tally.js'
import { missing, possible, work } from './work.js'

/** @import { WxaCode } from 'wxacode' */
/** @import { Io } from '../io.js' */
/** @import { Folder } from './folder.js' */
/** @import { Plans } from './plans.js' */
/** @import { Survey } from './survey.js' */
/** @import { Bench } from './work.js' */

/**
 * @typedef {object} Wanted
 * @property {string} out the folder
 * @property {string} grid of the contact sheet
 * @property {string} [title] of the contact sheet
 * @property {number} [concurrency]
 * @property {number} [rate]
 * @property {boolean} [force] what looks damaged is meant
 * @property {string} key of the journal: what only the owner of the account knows
 */

/**
 * A list into a folder: reads it once for what is wrong with it as a whole, once to ask, and once for the contact sheet.
 * Without a client nothing is asked.
 *
 * @param {Plans} plans
 * @param {WxaCode | undefined} wxa
 * @param {Wanted} wanted
 * @param {Io} io
 */
export async function runBatch(plans, wxa, wanted, io) {
  const found = await survey(plans, wanted)
  const folder = openFolder(resolve(wanted.out))
  try {
    const { bench, progress } = await openBench(found, folder, plans, wanted, io)
    const asking = wxa ? ask(plans, wxa, wanted, io, bench) : exhaust(possible(plans.read(), bench))
    const stopped = await asking.catch((error) => error).finally(progress.stop)
    const report = await bench.report.finish()
    // Whoever stopped it does not want to wait for a contact sheet.
    const isDone = wxa !== undefined && !(stopped instanceof Interrupted)
    const sheet = isDone ? await drawSheet(plans, bench, { ...wanted, report }, io) : undefined
    bench.journal.close()
    const inside = (/** @type {string} */ file) => join(wanted.out, file)
    const files = { report: inside(report), sheet: sheet && inside(sheet) }
    return summaryOf({ tally: bench.tally, isDryRun: wxa === undefined, stopped, ...files }, io)
  } finally {
    folder.close()
  }
}

/**
 * @param {Survey} found
 * @param {Folder} folder
 * @param {Plans} plans
 * @param {Wanted} wanted
 * @param {Io} io
 */
async function openBench(found, folder, { list, columns }, wanted, io) {
  const tally = createTally(found.rows, wanted.rate)
  const progress = createProgress(tally, io)
  /** @type {Bench} */
  const bench = {
    survey: found,
    folder,
    journal: await openJournal(folder, wanted.key),
    report: openReport(folder, { list, columns: [...columns], lang: io.lang }),
    tally,
    lang: io.lang,
    told: progress.update,
  }
  return { bench, progress }
}

/**
 * @param {Plans} plans
 * @param {WxaCode} wxa
 * @param {Wanted} wanted
 * @param {Io} io
 * @param {Bench} bench
 */
function ask(plans, wxa, { concurrency }, { signal }, bench) {
  return work(missing(possible(plans.read(), bench), bench), wxa, { concurrency, signal }, bench)
}

/**
 * All codes that are there, in the order of the list, and the rows that failed.
 *
 * @param {Plans} plans
 * @param {Bench} bench
 * @param {Wanted & { report: string }} wanted
 * @param {Io} io
 */
function drawSheet(plans, { folder, journal, tally, survey: { clashes } }, { grid, title, report }, io) {
  async function* codes() {
    for await (const { plan } of plans.read()) {
      const file = clashes.has(plan.key) ? undefined : journal.fileOf(plan)
      if (file !== undefined) yield { file, label: plan.label }
    }
  }
  const { failures, failed, total } = tally
  const contents = { codes, rows: total, failures, failed, report }
  return writeSheet(contents, { folder, grid, title: title ?? basename(folder.path), io })
}

/** @param {AsyncIterable<unknown>} all */
async function exhaust(all) {
  for await (const _ of all);
}
