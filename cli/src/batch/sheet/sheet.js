import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { SMALLEST, sideOf, styleOf } from './grid.js'

/** @import { Failure } from '../../failure.js' */
/** @import { Io } from '../../io.js' */
/** @import { Folder } from '../folder.js' */

const FILE = 'index.html'
const [STYLE, SCRIPT] = ['page.css', 'page.js'].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
/** What the page offers beside the grid that was asked for, columns by rows. */
const GRIDS = ['2x2', '2x3', '3x4', '4x5', '5x7', '6x8', '8x10']

/** @typedef {{ file: string, label: string }} Code */

/**
 * @typedef {object} Contents
 * @property {() => AsyncIterable<Code>} codes read twice: how many there are stands at the beginning
 * @property {number} rows of the list
 * @property {{ row: number, label: string, failure: Failure }[]} failures the first of those rows that have no code
 * @property {number} failed how many there are
 * @property {string} [report] the file that has all failures, if there are any
 */

/**
 * @typedef {object} SheetOptions
 * @property {string} grid
 * @property {string} title
 * @property {Io} io
 * @property {number} count
 * @property {number} notAsked rows that have no code and did not fail
 * @property {string} date
 */

/**
 * `index.html`: a contact sheet of codes with their labels, to be looked at and printed, and the rows that failed. It
 * needs nothing but the pictures beside it.
 *
 * @param {Contents} contents
 * @param {{ folder: Folder, grid: string, title: string, io: Io }} how
 * @returns {Promise<string>} its name in the folder
 */
export async function writeSheet(contents, { folder, grid, title, io }) {
  if (sideOf(grid) < SMALLEST) io.note(tooSmall(grid))
  const count = await countOf(contents.codes())
  const notAsked = Math.max(0, contents.rows - contents.failed - count)
  const looks = { grid, title, io, count, notAsked, date: dateOf(new Date()) }
  const temporary = folder.temporary('sheet')
  const file = createWriteStream(temporary)
  for await (const piece of page(contents, looks)) {
    if (!file.write(piece)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
  folder.publish(temporary, FILE)
  return FILE
}

/** @param {AsyncIterable<unknown>} all */
async function countOf(all) {
  let count = 0
  for await (const _ of all) count++
  return count
}

/** The day here. @param {Date} now */
const dateOf = (now) =>
  [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')

/** @param {number} count */
const countText = (count) => ({ zh: `${count} 个码`, en: count === 1 ? '1 code' : `${count} codes` })

/** @param {string} grid */
const tooSmall = (grid) => ({
  zh: `注意：--grid ${grid} 的图片只有 ${sideOf(grid).toFixed(0)} 毫米宽，小于 ${SMALLEST} 毫米可能扫不出来`,
  en: `note: with --grid ${grid} a picture is ${sideOf(grid).toFixed(0)} mm wide, and below ${SMALLEST} mm phones may not be able to scan it`,
})

/**
 * @param {Contents} contents
 * @param {SheetOptions} looks
 */
async function* page(contents, looks) {
  const [columns, rows] = looks.grid.split('x').map(Number)
  const pages = Math.ceil(looks.count / (columns * rows))
  yield head(contents, looks)
  let count = 0
  for await (const code of contents.codes()) {
    if (count % (columns * rows) === 0) {
      if (count > 0) yield foot(count / (columns * rows), pages, looks)
      yield '<section>\n<div class="codes">\n'
    }
    count++
    yield figure(code)
  }
  if (count > 0) yield foot(Math.ceil(count / (columns * rows)), pages, looks)
  yield `</main>\n${missing(contents, looks)}<script>\n${SCRIPT}</script>\n</body>\n</html>\n`
}

/**
 * @param {Contents} contents
 * @param {SheetOptions} looks
 */
function head({ failed }, { grid, title, count, notAsked, date, io: { say, lang } }) {
  const facts = [say(countText(count)), date]
  const wrong = [failed > 0 && failedText(failed), notAsked > 0 && notAskedText(notAsked)].filter(
    (text) => text !== false,
  )
  const links = wrong.map((text) => `<a href="#missing">${say(text)}</a>`)
  return `<!doctype html>
<html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
${STYLE}</style>
</head>
<body style="${styleOf(grid)}">
<header>
<h1>${escapeHtml(title)}</h1>
<p>${[...facts, ...links].join(' · ')}</p>
<label>${say({ zh: '每页', en: 'Per page' })} <select>${choices(grid)}</select></label>
<label><input type="checkbox" id="lines" checked> ${say({ zh: '裁切线', en: 'Cut lines' })}</label>
<button type="button">${say({ zh: '打印', en: 'Print' })}</button>
<p class="warning"${sideOf(grid) < SMALLEST ? '' : ' hidden'}>${say(SMALL)}</p>
</header>
<main>
`
}

const SMALL = {
  zh: `图片小于 ${SMALLEST} 毫米，手机可能扫不出来：减少每页的数量`,
  en: `The pictures are below ${SMALLEST} mm, which phones may not be able to scan: choose fewer to a page`,
}

/** @param {string} grid */
const choices = (grid) =>
  [...new Set([grid, ...GRIDS])]
    .map((one) => {
      const [side, chosen] = [sideOf(one), one === grid ? ' selected' : '']
      const small = side < SMALLEST ? ' data-small' : ''
      return `<option value="${one}"${chosen}${small}>${one.replace('x', ' × ')} (${Math.floor(side)} mm)</option>`
    })
    .join('')

/** @param {Code} code */
function figure({ file, label }) {
  const source = file.split('/').map(encodeURIComponent).join('/')
  const text = escapeHtml(label)
  return `<figure><img src="${escapeHtml(source)}" alt="${text}" title="${text}" loading="lazy"><figcaption>${text}</figcaption></figure>\n`
}

/**
 * The end of a page of paper.
 *
 * @param {number} page
 * @param {number} pages
 * @param {SheetOptions} looks
 */
const foot = (page, pages, { title, count, date, io: { say } }) =>
  `</div>\n<footer><span>${escapeHtml(title)}</span><span>${say(countText(count))}</span><span>${date}</span><span>${page} / ${pages}</span></footer>\n</section>\n`

/**
 * The rows that have no code, on paper too, so that the reader sees which codes are missing.
 *
 * @param {Contents} contents
 * @param {SheetOptions} looks
 */
function missing({ failures, failed, report }, { notAsked, io: { say } }) {
  if (failed + notAsked === 0) return ''
  const titles = [say({ zh: '行', en: 'Row' }), say({ zh: '标签', en: 'Label' }), say({ zh: '原因', en: 'Why' })]
  const rows = failures.map(({ row, label, failure: { errcode, cause } }) => {
    const cells = [String(row), label, errcode === undefined ? cause : `${errcode} ${cause}`]
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>\n`
  })
  const table = `<table>\n<tr>${titles.map((title) => `<th>${title}</th>`).join('')}</tr>\n${rows.join('')}</table>\n`
  const rest = [
    failed > failures.length && report !== undefined ? say(moreText(failed - failures.length, report)) : '',
    notAsked > 0 ? say(notAskedText(notAsked)) : '',
  ].filter((text) => text !== '')
  const heading = say(failed > 0 ? failedText(failed) : notAskedText(notAsked))
  return `<aside id="missing">
<h2>${heading}</h2>
${failures.length > 0 ? table : ''}${rest.map((text) => `<p>${escapeHtml(text)}</p>\n`).join('')}</aside>
`
}

/** @param {number} failed */
const failedText = (failed) => ({ zh: `${failed} 行失败`, en: `${failed} ${failed === 1 ? 'row' : 'rows'} failed` })

/** @param {number} notAsked */
const notAskedText = (notAsked) => ({
  zh: `${notAsked} 行未请求`,
  en: `${notAsked} ${notAsked === 1 ? 'row' : 'rows'} not requested`,
})

/**
 * @param {number} more
 * @param {string} report
 */
const moreText = (more, report) => ({ zh: `另有 ${more} 行，见 ${report}`, en: `and ${more} more, see ${report}` })

/** @param {string} text */
const escapeHtml = (text) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
