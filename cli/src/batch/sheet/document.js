import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CUT_MARKS, marksOf } from './cut-marks.js'
import { gridLayout, SMALLEST, styleOf } from './layout.js'
import * as texts from './texts.js'

/** @import { Failure } from '../../failure.js' */
/** @import { Io } from '../../io.js' */
/** @import { Layout } from './layout.js' */

const [STYLE, SCRIPT] = ['page.css', 'page.js'].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
/** Whatever a title or a label may contain: nothing but this script runs, and nothing is loaded but pictures. */
const POLICY = [
  "default-src 'none'",
  "img-src 'self' file:",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash('sha256').update(`\n${SCRIPT}`).digest('base64')}'`,
].join('; ')
const PRINT_POLICY = "default-src 'none'; img-src file:; style-src 'unsafe-inline'"
/** What the page offers beside the grid that was asked for, columns by rows. */
const GRIDS = ['2x2', '2x3', '3x4', '4x5', '5x7', '6x8', '8x10']

/** @typedef {{ file: string, label: string }} Code */

/**
 * What a sheet looks like.
 *
 * @typedef {object} Look
 * @property {Layout} layout
 * @property {string} cutMarks one of CUT_MARKS
 * @property {string} [grid] columns by rows, if the page is to offer others
 * @property {number} [taken] cells of the first page that stay empty; none without it
 */

/**
 * The rows that have no code.
 *
 * @typedef {object} Missing
 * @property {{ row: number, label: string, failure: Failure }[]} failures the first of those that failed
 * @property {number} failed how many there are
 * @property {number} notAsked how many have no code and did not fail
 * @property {string} [report] the file that has all failures, if there are any
 */

/**
 * @typedef {object} Sheet
 * @property {Look} look
 * @property {string} title
 * @property {string} date
 * @property {number} count of all codes
 * @property {Missing} missing
 * @property {Io} io
 */

/**
 * How many cells a page has.
 *
 * @param {Layout} layout
 */
export const cellsOf = ({ columns, rows }) => columns * rows

/** @param {Sheet} sheet */
const pagesOf = ({ look: { layout, taken = 0 }, count }) => Math.ceil((count + taken) / cellsOf(layout))

/**
 * The page to look at and to print from a browser.
 *
 * @param {AsyncIterable<Code>} codes
 * @param {Sheet} sheet
 */
export async function* screenDocument(codes, sheet) {
  const { look, io } = sheet
  yield head(sheet, `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`)
  yield `${body(look)}${header(sheet)}${marks(look.layout)}<main>\n`
  yield* pages(codes, sheet, { first: 1, loading: ' loading="lazy"', from: '' })
  yield `</main>\n${missing(sheet.missing, io)}<script>\n${SCRIPT}</script>\n</body>\n</html>\n`
}

/**
 * Pages for a browser that prints at once: without anything to click on, and eight times as large and scaled down again, because
 * Chromium puts pictures on whole pixels of CSS. It is in a folder beside the pictures.
 *
 * @param {Code[]} codes
 * @param {Sheet} sheet
 * @param {{ first: number, isLast: boolean }} part the number of its first page, and whether missing rows follow
 */
export async function* printDocument(codes, sheet, { first, isLast }) {
  const { look, io } = sheet
  yield head(sheet, `<meta http-equiv="Content-Security-Policy" content="${PRINT_POLICY}">`)
  yield `${body(look, ' class="exact"')}${marks(look.layout)}<main>\n`
  yield* pages(codes, sheet, { first, loading: '', from: '../' })
  yield `</main>\n${isLast ? missing(sheet.missing, io) : ''}</body>\n</html>\n`
}

/** @param {Sheet} sheet @param {string} more */
const head = ({ look: { layout }, title, io: { lang } }, more) => `<!doctype html>
<html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${more}
<title>${escapeHtml(title)}</title>
<style>
@page { size: ${layout.paper.width}mm ${layout.paper.height}mm; margin: 0 }
@page missing { margin: ${layout.margin}mm }
${STYLE}</style>
</head>
`

/** @param {Look} look */
const body = (look, more = '') =>
  `<body${more} style="${styleOf(look.layout)}" data-cut="${look.cutMarks}"${isBare(look) ? ' data-bare' : ''}>\n`

/** Only codes are printed on labels: a page of failed rows would be wasted ones. @param {Look} look */
const isBare = ({ layout }) => layout.foot === 0

/** @param {Sheet} sheet */
function header({ look, title, date, count, missing: { failed, notAsked }, io: { say } }) {
  const { layout, cutMarks } = look
  const wrong = [failed > 0 && texts.failed(failed), notAsked > 0 && texts.notAsked(notAsked)]
  const links = wrong.filter((text) => text !== false).map((text) => `<a href="#missing">${say(text)}</a>`)
  const facts = [say(texts.codes(count)), date, ...links].join(' · ')
  const grid =
    look.grid && `<label>${say(texts.perPage)} <select id="grid">${choices(look, look.grid)}</select></label>\n`
  const cuts = CUT_MARKS.map(
    (one) => `<option value="${one}"${one === cutMarks ? ' selected' : ''}>${say(texts.cutMarks[one])}</option>`,
  )
  return `<header>
<h1 dir="auto">${escapeHtml(title)}</h1>
<p>${facts}</p>
${grid ?? ''}<label>${say(texts.cut)} <select id="cut">${cuts.join('')}</select></label>
<button type="button">${say(texts.print)}</button>
<p class="hint">${say(texts.actualSize(layout))}</p>
<p class="warning"${layout.side < SMALLEST ? '' : ' hidden'}>${say(texts.small)}</p>
</header>
`
}

/** @param {Look} look @param {string} grid */
function choices({ layout: { paper } }, grid) {
  return [...new Set([grid, ...GRIDS])]
    .map((one) => {
      const layout = gridLayout(paper, one)
      const { lines, edges } = marksOf(layout)
      const [chosen, small] = [one === grid ? ' selected' : '', layout.side < SMALLEST ? ' data-small' : '']
      const data = `data-style="${styleOf(layout)}" data-lines="${lines}" data-edges="${edges}"`
      return `<option value="${one}"${chosen}${small} ${data}>${one.replace('x', ' × ')} (${Math.floor(layout.side)} mm)</option>`
    })
    .join('')
}

/** The marks to cut along, drawn once; each page shows them. @param {Layout} layout */
function marks(layout) {
  const { lines, edges } = marksOf(layout)
  return `<svg width="0" height="0" style="position:absolute"><defs><path id="lines" d="${lines}"/><path id="edges" d="${edges}"/></defs></svg>\n`
}

/**
 * Pages of paper.
 *
 * @param {AsyncIterable<Code> | Iterable<Code>} codes
 * @param {Sheet} sheet
 * @param {{ first: number } & Loading} how the number of the first page
 */
async function* pages(codes, sheet, { first, ...loading }) {
  const { layout, taken = 0 } = sheet.look
  const cells = cellsOf(layout)
  const before = first === 1 ? taken : 0
  let at = before
  for await (const code of codes) {
    if (at === before) yield `${PAGE}${TAKEN.repeat(before)}`
    else if (at % cells === 0) yield `${foot(first + at / cells - 1, sheet)}${PAGE}`
    yield figure(code, loading)
    at++
  }
  if (at > before) yield foot(first + Math.ceil(at / cells) - 1, sheet)
}

const PAGE = '<section>\n<div class="codes">\n'
const TAKEN = '<figure class="taken"></figure>\n'

/** When pictures are loaded, an attribute, and from where. @typedef {{ loading: string, from: string }} Loading */

/** @param {Code} code @param {Loading} loading */
function figure({ file, label }, { loading, from }) {
  const source = from + file.split('/').map(encodeURIComponent).join('/')
  const text = escapeHtml(label)
  return `<figure><img src="${escapeHtml(source)}" alt="${text}" title="${text}"${loading}><figcaption dir="auto">${text}</figcaption></figure>\n`
}

/**
 * The end of a page of paper.
 *
 * @param {number} page
 * @param {Sheet} sheet
 */
function foot(page, sheet) {
  const { look, title, count, date, io } = sheet
  const { paper } = look.layout
  const cells = [escapeHtml(title), io.say(texts.codes(count)), date, `${page} / ${pagesOf(sheet)}`]
  const svg = `<svg viewBox="0 0 ${paper.width} ${paper.height}"><use href="#lines" class="lines"/><use href="#edges" class="edges"/></svg>`
  return `</div>\n${svg}\n<footer>${cells.map((cell) => `<span>${cell}</span>`).join('')}</footer>\n</section>\n`
}

/**
 * The rows that have no code, on paper too, so that the reader sees which codes are missing.
 *
 * @param {Missing} rows
 * @param {Io} io
 */
function missing({ failures, failed, notAsked, report }, { say }) {
  if (failed + notAsked === 0) return ''
  const rows = failures.map(({ row, label, failure: { errcode, cause } }) => {
    const cells = [String(row), label, errcode === undefined ? cause : `${errcode} ${cause}`]
    return `<tr>${cells.map((cell) => `<td dir="auto">${escapeHtml(cell)}</td>`).join('')}</tr>\n`
  })
  const titles = texts.columns.map((title) => `<th>${say(title)}</th>`).join('')
  const table = `<table>\n<tr>${titles}</tr>\n${rows.join('')}</table>\n`
  const rest = [
    failed > failures.length && report !== undefined ? say(texts.more(failed - failures.length, report)) : '',
    notAsked > 0 ? say(texts.notAsked(notAsked)) : '',
  ].filter((text) => text !== '')
  const heading = say(failed > 0 ? texts.failed(failed) : texts.notAsked(notAsked))
  return `<aside id="missing">
<h2>${heading}</h2>
${failures.length > 0 ? table : ''}${rest.map((text) => `<p>${escapeHtml(text)}</p>\n`).join('')}</aside>
`
}

/** An override of the direction would show a text in another order than it is in. @param {string} text */
const escapeHtml = (text) => text.replace(/[\u202d\u202e]/g, '').replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
