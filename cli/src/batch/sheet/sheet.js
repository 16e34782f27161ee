import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { finished } from 'node:stream/promises'

/** @import { Io } from '../../io.js' */
/** @import { Folder } from '../folder.js' */

const FILE = 'index.html'
const [STYLE, SCRIPT] = ['page.css', 'page.js'].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
/** What the page offers beside the grid that was asked for, columns by rows. */
const GRIDS = ['2x2', '2x3', '3x4', '4x5', '5x7', '6x8', '8x10']

/**
 * `index.html`: a contact sheet of codes with their labels, to be looked at and printed. It needs nothing but the
 * pictures beside it.
 *
 * @param {AsyncIterable<{ file: string, label: string }>} codes
 * @param {{ folder: Folder, grid: string, title: string, io: Io }} how
 * @returns {Promise<string>} its name in the folder
 */
export async function writeSheet(codes, { folder, grid, title, io }) {
  const temporary = folder.temporary('sheet')
  const file = createWriteStream(temporary)
  for await (const piece of page(codes, grid, title, io)) {
    if (!file.write(piece)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
  folder.publish(temporary, FILE)
  return FILE
}

/**
 * @param {AsyncIterable<{ file: string, label: string }>} codes
 * @param {string} grid
 * @param {string} title
 * @param {Io} io
 */
async function* page(codes, grid, title, io) {
  const [columns, rows] = grid.split('x').map(Number)
  yield head(grid, title, io)
  let count = 0
  for await (const code of codes) {
    if (count % (columns * rows) === 0) yield count === 0 ? '<section>\n' : '</section>\n<section>\n'
    count++
    yield figure(code)
  }
  if (count > 0) yield '</section>\n'
  yield `</main>\n<script>\n${SCRIPT}</script>\n</body>\n</html>\n`
}

/**
 * @param {string} grid
 * @param {string} title
 * @param {Io} io
 */
function head(grid, title, { say, lang }) {
  const [columns, rows] = grid.split('x')
  const options = [...new Set([grid, ...GRIDS])].map(
    (one) => `<option value="${one}"${one === grid ? ' selected' : ''}>${one.replace('x', ' × ')}</option>`,
  )
  return `<!doctype html>
<html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
${STYLE}</style>
</head>
<body style="--columns: ${columns}; --rows: ${rows}">
<header>
<h1>${escaped(title)}</h1>
<label>${say({ zh: '每页', en: 'Per page' })} <select>${options.join('')}</select></label>
<button type="button">${say({ zh: '打印', en: 'Print' })}</button>
</header>
<main>
`
}

/** @param {{ file: string, label: string }} code */
function figure({ file, label }) {
  const source = file.split('/').map(encodeURIComponent).join('/')
  const text = escaped(label)
  return `<figure><img src="${escaped(source)}" alt="${text}" loading="lazy"><figcaption>${text}</figcaption></figure>\n`
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
