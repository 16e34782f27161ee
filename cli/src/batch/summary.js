import { EXIT } from '../exit-codes.js'
import { exitCodeOf, failureOf } from '../failure.js'
import { failureText } from '../io.js'

/** @import { LifetimeQuota } from 'wxacode' */
/** @import { PdfError } from '../errors.js' */
/** @import { Io, Result } from '../io.js' */
/** @import { Counters } from './counters.js' */

/**
 * @typedef {object} End
 * @property {Counters} counters
 * @property {boolean} isDryRun nothing was to be asked
 * @property {unknown} stopped why it ended before its end
 * @property {LifetimeQuota} [lifetimeQuota] if WeChat has told it
 * @property {string} [report]
 * @property {string} [sheet]
 * @property {string[]} [pdf] the documents of the sheet
 * @property {PdfError} [pdfError] why there are none
 */

/**
 * What became of a batch.
 *
 * @param {End} end
 * @param {Io} io
 * @returns {Result}
 */
export function summaryOf(end, io) {
  const { counters, stopped, lifetimeQuota, report, sheet, pdf, pdfError } = end
  const { total, written, kept, failed, errors } = counters
  const notAsked = total - counters.done
  const exitCode = stopped ? exitCodeOf(stopped) : failed > 0 || pdfError ? EXIT.failed : EXIT.ok
  const json = {
    ok: exitCode === EXIT.ok,
    rows: total,
    written,
    kept,
    failed,
    notAsked,
    errors: Object.fromEntries([...errors].map(([code, { count }]) => [code, count])),
    lifetimeQuota,
    report,
    sheet,
    pdf,
    error: stopped || pdfError ? failureOf(stopped ?? pdfError, io.lang) : undefined,
  }
  return { json, text: textOf({ ...end, notAsked }, io), exitCode }
}

/**
 * @param {End & { notAsked: number }} end
 * @param {Io} io
 */
function textOf({ counters, isDryRun, notAsked, stopped, lifetimeQuota, ...files }, { say, colors, lang }) {
  const { total, written, kept, failed, errors } = counters
  const good = isDryRun
    ? { zh: `共 ${total} 行，${notAsked} 行可以请求`, en: `${notAsked} of ${total} rows can be requested` }
    : { zh: `写入 ${written} 个，已有 ${kept} 个`, en: `${written} written, ${kept} already there` }
  const lines = [`${colors.green('✓')} ${say(good)}`]
  if (failed > 0) lines.push(`${colors.red('✗')} ${say({ zh: `失败 ${failed} 个`, en: `${failed} failed` })}`)
  for (const [code, { count, failure }] of errors) {
    const example = count > 1 ? say({ zh: '例如：', en: 'for example: ' }) : ''
    lines.push(`    ${code} ×${count}  ${example}${failure.cause}`)
    if (failure.fix) lines.push(`      ${colors.dim(say({ zh: '处理', en: 'fix' }))}  ${failure.fix}`)
  }
  if (stopped) lines.push(...failureText(failureOf(stopped, lang), colors, lang))
  if (notAsked > 0 && !isDryRun) {
    const again = {
      zh: `还有 ${notAsked} 行未请求：再次运行同一命令即可继续`,
      en: `${notAsked} rows not requested: run the same command to continue`,
    }
    lines.push(`${colors.yellow('…')} ${say(again)}`)
  }
  if (lifetimeQuota) {
    const { used, limit } = lifetimeQuota
    lines.push(`  ${say({ zh: `累计已用 ${used}/${limit} 个`, en: `${used} of ${limit} codes used for ever` })}`)
  }
  const { report, sheet, pdf = [], pdfError } = files
  if (report) lines.push(`  ${say({ zh: '报告', en: 'report' })}  ${report}`)
  if (sheet) lines.push(`  ${say({ zh: '版面', en: 'sheet' })}  ${sheet}`)
  for (const file of pdf) lines.push(`  PDF  ${file}`)
  if (pdfError) lines.push(...failureText(failureOf(pdfError, lang), colors, lang))
  return lines
}
