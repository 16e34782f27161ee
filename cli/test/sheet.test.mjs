import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { times } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'
import { openFolder } from '../src/batch/folder.js'
import { gridLayout } from '../src/batch/sheet/layout.js'
import { paperOf } from '../src/batch/sheet/papers.js'
import { writeSheet } from '../src/batch/sheet/sheet.js'
import { needsChromium, openPage } from './chromium.mjs'
import { setupCli, suite } from './helpers.mjs'

/** Kept for the documents; `UPDATE_SCREENSHOT=1` takes them anew, the Chinese one with a Chinese font. */
const screenshot = (name) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url))
const MAX_SCREENSHOT_BYTES = 300 * 1024

/** Shown in the documents, in a language each: the sheet, the same on a phone, and on labels. */
async function takeScreenshots(page, end) {
  const shot = (name) => page.screenshot({ path: screenshot(`${name}${end}`), type: 'png' })
  await page.evaluate(() => scrollTo(0, 0))
  await shot('contact-sheet')
  await page.setViewportSize({ width: 390, height: 700 })
  await scrollThrough(page)
  await shot('images/sheet-phone')
}

const SHOPS = ['Bund', 'Jing’an', 'Xuhui', 'Pudong', 'Hongqiao', 'Old Town']

/** The first labels of a sheet. */
async function takeOfLabels(page, end) {
  await page.setViewportSize({ width: 900, height: 640 })
  await scrollThrough(page)
  await page.screenshot({ path: screenshot(`images/sheet-labels${end}`), type: 'png' })
}

/** A list of 30 shops, one of them on a page that is not there, in folders with Chinese names. */
const LABELS = times(30, (at) => `${SHOPS[at % SHOPS.length]} · table ${at + 1}`)
LABELS[12] = 'The long corridor behind the fountain, beside the second staircase, table by the window, number twelve'
LABELS[20] = '<script>alert(1)</script> & "five"'
const LIST = `scene,page,width,label,城市\n${LABELS.map(
  (label, at) => `shop=1&table=${at + 1},${at === 7 ? 'no' : ''},430,"${label.replaceAll('"', '""')}",上海 ${at % 2}\n`,
).join('')}`
const SHOWN = LABELS.toSpliced(7, 1)

const SHOPS_ZH = ['外滩店', '静安店', '徐汇店', '浦东店', '虹桥店', '老城厢店']
const LIST_ZH = `scene,page,label,城市\n${times(
  30,
  (at) => `shop=1&table=${at + 1},${at === 7 ? 'no' : ''},${SHOPS_ZH[at % SHOPS_ZH.length]} ${at + 1} 号桌,上海\n`,
).join('')}`

/** The folder of a batch, and its page in Chromium. */
async function sheet(t, args = [], list = LIST) {
  const app = { appid: 'wx0123456789abcdef' }
  const { wxacode, file } = await setupCli(t, { app, shape: 'round' })
  writeFileSync(file('list.csv'), list)
  const { code, err } = await wxacode([
    'batch',
    'list.csv',
    '--out',
    'table codes',
    '--name',
    '{城市}/{scene}',
    // Thirty codes are drawn in more than the ten seconds of a call where browsers take the machine.
    '--timeout',
    '60',
    ...args,
  ])
  assert.equal(code, 1)
  const { page, seen } = await openPage(t)
  await page.goto(pathToFileURL(file('table codes/index.html')).href)
  return { page, seen, file, err }
}

/** Looks at every page of paper, so that what is loaded late is loaded. */
const scrollThrough = (page) =>
  page.evaluate(async () => {
    for (const section of document.querySelectorAll('section')) {
      section.scrollIntoView()
      await Promise.all([...section.querySelectorAll('img')].map((image) => image.decode()))
    }
    scrollTo(0, 0)
  })

/** The page anew, from a disk that gives no picture until it is released, and with a `print()` that leaves a mark. */
async function slowDisk(page) {
  let release
  const released = new Promise((resolve) => {
    release = resolve
  })
  await page.route('**/*.jpg', (route) => released.then(() => route.continue()))
  await page.addInitScript(() => {
    window.print = () => document.body.setAttribute('data-printing', '')
  })
  await page.reload({ waitUntil: 'domcontentloaded' })
  return { release }
}

const pagesOfPaper = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('section')].map((section) => {
      const figures = [...section.querySelectorAll('figure')]
      const within = (one) => one.getBoundingClientRect().bottom <= section.getBoundingClientRect().bottom + 1
      return { codes: figures.length, fits: figures.every(within) }
    }),
  )

const A4 = paperOf('a4')
const sideOf = (grid) => gridLayout(A4, grid).side

/** A sheet of codes that are not there, by itself. */
async function written(file, name, contents, { grid = '4x5', lang = 'en' } = {}) {
  const folder = openFolder(file(name))
  const io = { lang, say: (text) => text[lang] }
  const look = { layout: gridLayout(A4, grid), cutMarks: 'lines', grid }
  await writeSheet({ failures: [], failed: 0, report: 'report.csv', ...contents }, { folder, look, title: name, io })
  folder.close()
  return pathToFileURL(file(`${name}/index.html`)).href
}

suite('the contact sheet', (test) => {
  test('shows every code with its label, in order, without a network', needsChromium, async (t) => {
    const { page, seen, file } = await sheet(t)
    await scrollThrough(page)
    const shown = await page.evaluate(() =>
      [...document.querySelectorAll('figure')].map((figure) => {
        const [image, caption] = figure.children
        const label = { text: caption.textContent, isVisible: caption.offsetHeight > 0 && caption.offsetWidth > 0 }
        return { ...label, width: image.naturalWidth, drawn: image.getBoundingClientRect().width > 100, alt: image.alt }
      }),
    )
    assert.deepEqual(
      shown,
      SHOWN.map((text) => ({ text, isVisible: true, width: 430, drawn: true, alt: text })),
    )
    assert.deepEqual(seen.errors, [])
    assert.ok(seen.requests.every((url) => url.startsWith(pathToFileURL(file('table codes')).href)))
    if (process.env.UPDATE_SCREENSHOT) await takeScreenshots(page, '.png')
  })

  test('of labels speaks Chinese too', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--lang', 'zh', '--label-paper', '3x8/70x37', '--start-label', '3'], LIST_ZH)
    assert.match(await page.textContent('.hint'), /^纸张 210 × 297 毫米，打印时缩放选 100 %/)
    if (process.env.UPDATE_SCREENSHOT) await takeOfLabels(page, '.zh-CN.png')
  })

  test('speaks Chinese with the command line', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--lang', 'zh', '--title', '桌码'], LIST_ZH)
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
    assert.equal(await page.getByRole('button').innerText(), '打印')
    const header = await page.locator('body').innerText()
    for (const part of ['桌码', '29 个码', '1 行失败', '每页', '裁切标记', '外滩店 1 号桌']) {
      assert.ok(header.includes(part), part)
    }
    await scrollThrough(page)
    if (process.env.UPDATE_SCREENSHOT) await takeScreenshots(page, '.zh-CN.png')
  })

  test('has the grid of its options, and changes it on the page', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--grid', '2x3'])
    assert.deepEqual(await pagesOfPaper(page), [
      ...times(4, () => ({ codes: 6, fits: true })),
      { codes: 5, fits: true },
    ])
    assert.equal(await page.inputValue('#grid'), '2x3')
    await page.selectOption('#grid', '4x5')
    await scrollThrough(page)
    assert.deepEqual(await pagesOfPaper(page), [
      { codes: 20, fits: true },
      { codes: 9, fits: true },
    ])
  })

  test('prints every page with all pictures, even those that were never visible', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--grid', '1x2'])
    const disk = await slowDisk(page)
    await page.getByRole('button').click()
    assert.equal(await page.locator('[data-printing]').count(), 0)
    disk.release()
    await page.waitForSelector('[data-printing]')
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    // One more for the row that failed.
    assert.equal(pdf.match(/\/Type \/Page\b/g).length, Math.ceil(SHOWN.length / 2) + 1)
    assert.equal(pdf.match(/\/Subtype \/Image\b/g).length, SHOWN.length)
    assert.ok(
      [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].every(([, width]) => Math.round(width) === 595),
    )
  })

  test(
    'gives every picture the same size, and cuts labels after two lines with an ellipsis',
    needsChromium,
    async (t) => {
      const { page } = await sheet(t, ['--grid', '8x10'])
      for (const grid of ['8x10', '5x7', '4x5', '2x3']) {
        await page.selectOption('#grid', grid)
        await scrollThrough(page)
        const { pictures, labels, cut } = await page.evaluate(() => {
          const size = (one) => {
            const { width, height } = one.getBoundingClientRect()
            return [width, height].map((pixels) => Math.round((pixels / 96) * 254) / 10).join(' x ')
          }
          const captions = [...document.querySelectorAll('figcaption')]
          return {
            pictures: [...new Set([...document.images].map(size))],
            labels: [...new Set(captions.map((one) => one.offsetHeight))],
            cut: captions.some(
              (one) => one.scrollHeight > one.offsetHeight + 1 && getComputedStyle(one).webkitLineClamp === '2',
            ),
          }
        })
        assert.equal(pictures.length, 1, `${grid}: ${pictures}`)
        const [width, height] = pictures[0].split(' x ').map(Number)
        assert.equal(width, height)
        assert.ok(Math.abs(width - sideOf(grid)) < 0.2, `${grid}: ${width} mm, and ${sideOf(grid)} were promised`)
        assert.ok(width >= 20, `${grid}: ${width} mm`)
        assert.equal(labels.length, 1)
        if (grid === '8x10') assert.ok(cut, 'a label is too long for its two lines')
      }
    },
  )

  test('warns of a grid whose pictures are below 20 mm, and of no other', needsChromium, async (t) => {
    const { page, err } = await sheet(t, ['--grid', '10x14', '--lang', 'en'])
    assert.match(err, /^note: with --grid 10x14 a picture is 1\d mm wide, and below 20 mm/m)
    const warning = page.locator('.warning')
    assert.ok(await warning.isVisible())
    await page.selectOption('#grid', '8x10')
    assert.ok(!(await warning.isVisible()))
    await page.selectOption('#grid', '10x14')
    assert.ok(await warning.isVisible())
    assert.match(await page.textContent('option[value="8x10"]'), /8 × 10 \(20 mm\)/)
  })

  test('shows count, day, pages and the failed rows, on paper too', needsChromium, async (t) => {
    const today = () => new Date().toLocaleDateString('sv')
    const before = today()
    const { page } = await sheet(t, ['--title', 'Tables <b>'])
    assert.equal(await page.title(), 'Tables <b>')
    const facts = await page.textContent('header p')
    assert.match(facts, new RegExp(`^29 codes · (${before}|${today()}) · 1 row failed$`))
    const feet = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('footer')].map((foot) => [...foot.children].map((one) => one.textContent)),
      )
    assert.deepEqual(
      (await feet()).map(([title, count, , at]) => [title, count, at]),
      times(3, (at) => ['Tables <b>', '29 codes', `${at + 1} / 3`]),
    )
    await page.selectOption('#grid', '4x5')
    assert.deepEqual(
      (await feet()).map((foot) => foot.at(-1)),
      ['1 / 2', '2 / 2'],
    )
    const rows = await page.evaluate(() =>
      [...document.querySelectorAll('tr')].map((row) => [...row.children].map((cell) => cell.textContent)),
    )
    assert.deepEqual(rows[0], ['Row', 'Label', 'Why'])
    assert.deepEqual(rows[1].slice(0, 2), ['9', LABELS[7]])
    assert.match(rows[1][2], /^41030 page "no" is not in the released version/)
    assert.equal(rows.length, 2)
    await page.emulateMedia({ media: 'print' })
    assert.ok(await page.locator('aside').isVisible())
  })

  test('fits the screen of a phone, with whole labels', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--grid', '8x10'])
    await page.setViewportSize({ width: 390, height: 844 })
    await scrollThrough(page)
    const seen = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - innerWidth,
      widths: [...document.images]
        .map((image) => image.getBoundingClientRect())
        .map(({ left, right }) => [left, right]),
      cut: [...document.querySelectorAll('figcaption')].filter((one) => one.scrollHeight > one.offsetHeight + 1).length,
    }))
    assert.ok(seen.overflow <= 0, `${seen.overflow} pixels are cut`)
    assert.equal(seen.cut, 0)
    for (const [left, right] of seen.widths)
      assert.ok(left >= 0 && right <= 390 && right - left > 100, `${left} to ${right}`)
  })

  test('shows where to cut: lines, marks at the edges, or nothing', needsChromium, async (t) => {
    const { page } = await sheet(t)
    const shown = () =>
      page.evaluate(() =>
        ['lines', 'edges'].filter((name) => getComputedStyle(document.querySelector(`.${name}`)).display !== 'none'),
      )
    assert.deepEqual(await shown(), ['lines'])
    for (const [kind, wanted] of [
      ['edges', ['edges']],
      ['none', []],
      ['lines', ['lines']],
    ]) {
      await page.selectOption('#cut', kind)
      assert.deepEqual(await shown(), wanted)
    }
  })

  test('has small pictures in the documents', () => {
    for (const name of ['contact-sheet', 'images/sheet-phone', 'images/sheet-labels']) {
      for (const end of ['.png', '.zh-CN.png']) {
        const { size } = statSync(screenshot(`${name}${end}`))
        assert.ok(size < MAX_SCREENSHOT_BYTES, `${name}${end} has ${size} bytes`)
      }
    }
  })

  test('of labels shows where they are, and prints the codes only', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--label-paper', 'l7160', '--start-label', '3'])
    const shown = () =>
      page.evaluate(() => {
        const isThere = (selector) => document.querySelector(selector)?.offsetHeight > 0
        return { taken: document.querySelectorAll('.taken').length, foot: isThere('footer'), missing: isThere('aside') }
      })
    assert.deepEqual(await shown(), { taken: 2, foot: true, missing: true })
    if (process.env.UPDATE_SCREENSHOT) await takeOfLabels(page, '.png')
    assert.equal(await page.locator('#grid').count(), 0)
    assert.equal(await page.inputValue('#cut'), 'none')
    await page.emulateMedia({ media: 'print' })
    assert.deepEqual(await shown(), { taken: 2, foot: false, missing: false })
  })

  test('shows the first of very many failures, and where the others are', needsChromium, async (t) => {
    const { file } = await setupCli(t)
    async function* codes() {
      yield { file: 'a.jpg', label: 'ab\u202ecd' }
    }
    const failures = times(3, (at) => ({ row: at + 2, label: `<${at}>`, failure: { code: 'X', cause: 'no <reason>' } }))
    const url = await written(file, 'few', { codes, rows: 2010, failures, failed: 2000 }, { lang: 'zh' })
    const { page } = await openPage(t)
    await page.goto(url)
    assert.equal(await page.textContent('figcaption'), 'abcd')
    const text = await page.textContent('aside')
    assert.match(text, /2000 行失败[\s\S]*<2>\s*no <reason>[\s\S]*另有 1997 行，见 report\.csv[\s\S]*9 行未请求/)
  })

  test('is in Chinese with --lang zh', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--lang', 'zh'])
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN')
    assert.equal(await page.textContent('button'), '打印')
  })

  test('loads only the visible ones of twenty thousand codes', needsChromium, async (t) => {
    const { file } = await setupCli(t)
    async function* codes() {
      for (let at = 1; at <= 20_000; at++) yield { file: `code${at}.jpg`, label: `code ${at}` }
    }
    const url = await written(file, 'many', { codes, rows: 20_000 })
    const { page, seen } = await openPage(t)
    await page.goto(url)
    assert.equal(await page.evaluate(() => document.images.length), 20_000)
    await until(() => seen.requests.length > 10)
    assert.ok(seen.requests.length > 10 && seen.requests.length < 1000, `${seen.requests.length} files were asked for`)
    await page.selectOption('#grid', '8x10')
    assert.equal((await pagesOfPaper(page)).length, 250)
  })
})
