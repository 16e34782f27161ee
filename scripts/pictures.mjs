// Draws the pictures of the documents from real runs: codes of the fake, and what commands print. What differs from run to run
// (rid, fingerprint of a token, a moment) is replaced by an example, so that a picture is the same each time and a test compares it.

import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pngjs from 'pngjs'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { printedBy } from './console.mjs'

const ROOT = new URL('../', import.meta.url)
const MONO =
  "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC','PingFang SC','Microsoft YaHei',monospace"
const SANS = "system-ui,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
const COLOURS = { text: '#e6edf3', dim: '#9198a1', good: '#3fb950', bad: '#ff7b72', prompt: '#79c0ff' }
const EXAMPLES = { rid: '6b07e2f1-3f8a1c55-0c7be210', fingerprint: '5f0c1b9e' }

const WORDS = {
  en: {
    code: 'a code, as a Buffer',
    error: 'an error that says what to do',
    sheet: 'a batch, ready to print',
    labels: ['Bund', 'Xuhui', 'Pudong', 'Hongqiao', 'Sanlitun', 'Guomao'],
  },
  zh: {
    code: '小程序码：一个 Buffer',
    error: '错误：原因与处理办法',
    sheet: '批量生成，直接打印',
    labels: ['外滩店', '徐汇店', '浦东店', '虹桥店', '三里屯店', '国贸店'],
  },
}

/**
 * The pictures as they have to be, by the path from the root of the project.
 *
 * @returns {Promise<Map<string, string>>}
 */
export async function pictures() {
  const codes = await drawn(['id=42', ...WORDS.en.labels.map((_, n) => `shop=${n + 1}`)])
  /** @type {[string, string][]} */
  const files = []
  for (const language of /** @type {const} */ (['en', 'zh'])) {
    const end = language === 'en' ? '.svg' : '.zh-CN.svg'
    files.push([`docs/images/overview${end}`, await overview(language, codes)])
    files.push([`docs/images/doctor${end}`, await doctor(language)])
  }
  return new Map(files)
}

/** @param {'en' | 'zh'} language @param {string[]} codes */
async function overview(language, [first, ...others]) {
  const words = WORDS[language]
  const [good, bad] = [
    'wxacode unlimited --scene id=42 --page pages/index/index -o code.jpg',
    'wxacode unlimited --scene id=42 --page pages/soon/index -o code.jpg',
  ]
  const lines = []
  for (const command of [good, bad]) lines.push(`$ ${command}`, ...(await printedBy(command, language)))
  const columns = columnsOf(478, 11)
  const height = Math.max(262, lines.flatMap((line) => wrapped(line, columns)).length * 17 + 52)
  const [column, row] = [277 / 3, height / 2]
  const cells = others.map((path, n) => {
    const [middle, top] = [722 + ((n % 3) + 0.5) * column, 1 + Math.floor(n / 3) * row + (row - 84) / 2]
    return `${symbol(path, round(middle - 32), round(top), 64)}${caption(words.labels[n], round(middle), round(top + 80), 11, '#1f2328')}`
  })
  const cuts = [
    `M${round(722 + column)} 9V${height - 7}`,
    `M${round(722 + 2 * column)} 9V${height - 7}`,
    `M730 ${round(1 + row)}H991`,
  ].map((path) => `<path d="${path}" stroke="#afb8c1" stroke-dasharray="3 3" fill="none"/>`)
  return svg(1000, height + 38, [
    card(1, 1, 218, height),
    symbol(first, 23, 22, 174),
    caption('getUnlimitedQRCode({', 110, 222, 11, '#1f2328', MONO),
    caption("scene: 'id=42' })", 110, 240, 11, '#1f2328', MONO),
    terminal(232, 1, 478, height, lines, 11),
    card(722, 1, 277, height),
    ...cuts,
    ...cells,
    caption(words.code, 110, height + 24, 13),
    caption(words.error, 471, height + 24, 13),
    caption(words.sheet, 860, height + 24, 13),
  ])
}

/** @param {'en' | 'zh'} language */
async function doctor(language) {
  const lines = ['$ wxacode doctor', ...(await printedBy('wxacode doctor', language, { ipWhitelist: [] }))]
  const columns = 92
  const rows = lines.flatMap((line) => wrapped(line, columns)).length
  const [width, height] = [columns * 7.3 + 32, rows * 19 + 52]
  return svg(Math.ceil(width), height, [terminal(1, 1, Math.ceil(width) - 2, height - 2, lines, 12)])
}

/**
 * A window of a terminal. It brings its own background: it is as legible on a dark page as on a light one.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {string[]} lines
 * @param {number} size of its letters
 */
function terminal(x, y, width, height, lines, size) {
  const [cell, step] = [size * 0.602, size * 1.55]
  const columns = columnsOf(width, size)
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, n) => `<circle cx="${x + 16 + n * 15}" cy="${y + 15}" r="4.5" fill="${colour}"/>`,
  )
  /** @type {string} */
  let colour = COLOURS.text
  const texts = lines.map(example).flatMap((line) => {
    colour = colourOf(line) ?? COLOURS.text
    return wrapped(line, columns).map((part) => ({ part, colour }))
  })
  const drawnLines = texts.flatMap(({ part, colour: fill }, n) =>
    segmentsOf(part).map(
      ({ at, text }) =>
        `<text x="${round(x + 14 + at * cell)}" y="${round(y + 42 + n * step)}" fill="${fill === COLOURS.good || fill === COLOURS.bad ? markOf(text, fill) : fill}">${escaped(text)}</text>`,
    ),
  )
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#3d444d"/>${dots.join('')}<g font-family="${MONO}" font-size="${size}" xml:space="preserve">${drawnLines.join('')}</g>`
}

/** Columns of a terminal of this width. @param {number} width @param {number} size of its letters */
const columnsOf = (width, size) => Math.floor((width - 28) / (size * 0.602))

/** Of a line with a mark, the mark and what is right beside it. @param {string} text @param {string} fill */
const markOf = (text, fill) => (/^[✓✗]/.test(text) ? fill : COLOURS.text)

/** @param {string} line */
function colourOf(line) {
  if (line.startsWith('$ ')) return COLOURS.prompt
  if (line.startsWith('✓')) return COLOURS.good
  if (line.startsWith('✗')) return COLOURS.bad
  return line.startsWith('- ') || line.startsWith('  ') ? COLOURS.dim : undefined
}

/** Columns of a terminal: a Chinese character has two. @param {string} text */
const widthOf = (text) =>
  [...text].reduce(
    (sum, letter) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(letter)
        ? 2
        : 1),
    0,
  )

/** A line in parts that fit, those after the first under its text. @param {string} line @param {number} columns */
function wrapped(line, columns) {
  const indent = line.startsWith('$ ')
    ? '  '
    : (/^(?:[✓✗-] \S+(?: \S+)? {2,}| {2,}\S+ {2,}|[✓✗-] | +)/.exec(line)?.[0] ?? '')
  const room = ' '.repeat(Math.min(widthOf(indent), 20))
  const parts = ['']
  for (const word of line.match(
    /[\p{Script=Han}，。；：、！？（）“”]|[^\s\p{Script=Han}，。；：、！？（）“”]+|\s+/gu,
  ) ?? []) {
    const last = parts.length - 1
    if (widthOf(parts[last] + word) <= columns || parts[last].trim() === '' || /^[，。；：、！？）”]/.test(word))
      parts[last] += word
    else parts.push(room + word.trimStart())
  }
  return parts.filter((part) => part.trim() !== '' || line === '')
}

/** What stands apart by two blanks or more, each with its column. @param {string} line */
function segmentsOf(line) {
  return [...line.matchAll(/[✓✗](?= )|\S(?:\S| (?! ))*/g)].map(({ 0: text, index }) => ({
    at: widthOf(line.slice(0, index)),
    text: text.trimEnd(),
  }))
}

/** @param {string} line */
const example = (line) =>
  line
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{8}){2}\b/g, EXAMPLES.rid)
    .replaceAll(/(\bstable )[\da-f]{8}/g, `$1${EXAMPLES.fingerprint}`)
    .replace(/(less than|within|不到) \d+ (s|秒)/, '$1 1 $2')

/** The modules of codes as the fake draws them, each as a path in units of a module. @param {string[]} scenes */
async function drawn(scenes) {
  const account = { appid: 'wx1234567890abcdef', secret: '0123456789abcdef0123456789abcdef' }
  const fake = await startFakeWeChat({ apps: [account] })
  const wxa = new WxaCode({ ...account, baseUrl: fake.url })
  try {
    const paths = []
    for (const scene of scenes) paths.push(modulesOf(await wxa.getUnlimitedQRCode({ scene, isHyaline: true })))
    return paths
  } finally {
    await fake.close()
  }
}

/** @param {Buffer} image */
function modulesOf(image) {
  const { width, height, data } = pngjs.PNG.sync.read(image)
  const isDark = (/** @type {number} */ x, /** @type {number} */ y) => data[(y * width + x) * 4 + 3] > 127
  let left = 0
  while (!Array.from({ length: height }, (_, y) => isDark(left, y)).some(Boolean)) left++
  // The finder in the corner is seven modules wide.
  let end = left
  while (isDark(end, left)) end++
  const size = (end - left) / 7
  const count = Math.round((width - 2 * left) / size)
  let path = ''
  for (let row = 0; row < count; row++) {
    for (let from = 0; from < count; from++) {
      let to = from
      while (to < count && isDark(Math.floor(left + (to + 0.5) * size), Math.floor(left + (row + 0.5) * size))) to++
      if (to > from) path += `M${from} ${row}h${to - from}v1h-${to - from}z`
      from = to
    }
  }
  return `${count} ${path}`
}

/** @param {string} code @param {number} x @param {number} y @param {number} size */
function symbol(code, x, y, size) {
  const [count] = code.split(' ', 1)
  const scale = size / Number(count)
  return `<path transform="translate(${x} ${y}) scale(${round(scale, 4)})" d="${code.slice(count.length + 1)}" fill="#000" shape-rendering="crispEdges"/>`
}

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const card = (x, y, width, height) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="#fff" stroke="#d1d9e0"/>`

/**
 * A text under a picture. Without a colour it has that of the page, dark or light.
 *
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {string} [fill]
 * @param {string} [font]
 */
const caption = (text, x, y, size, fill, font = SANS) =>
  `<text x="${x}" y="${y}" text-anchor="middle" font-family="${font}" font-size="${size}"${fill ? ` fill="${fill}"` : ' class="page"'}>${escaped(text)}</text>`

/** @param {number} width @param {number} height @param {string[]} parts */
const svg = (
  width,
  height,
  parts,
) => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>.page{fill:#59636e}@media (prefers-color-scheme:dark){.page{fill:#9198a1}}</style>
${parts.join('\n')}
</svg>
`

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
/** @param {number} value */
const round = (value, digits = 1) => Number(value.toFixed(digits))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('docs/images/', ROOT), { recursive: true })
  for (const [file, picture] of await pictures()) writeFileSync(new URL(file, ROOT), picture)
}
