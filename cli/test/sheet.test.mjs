import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { times } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'
import { openFolder } from '../src/batch/folder.js'
import { writeSheet } from '../src/batch/sheet/sheet.js'
import { needsChromium, openPage } from './chromium.mjs'
import { desk, suite } from './helpers.mjs'

/** Kept for README.md; `UPDATE_SCREENSHOT=1` takes it anew. */
const SCREENSHOT = fileURLToPath(new URL('../../docs/contact-sheet.png', import.meta.url))
const MAX_SCREENSHOT_BYTES = 300 * 1024

const SHOPS = ['Bund', 'Jing’an', 'Xuhui', 'Pudong', 'Hongqiao', 'Old Town']

/** A list of 30 shops, one of them on a page that is not there, in folders with Chinese names. */
const LABELS = times(30, (at) => `${SHOPS[at % SHOPS.length]} · table ${at + 1}`)
LABELS[20] = '<script>alert(1)</script> & "five"'
const LIST = `scene,page,width,label,城市\n${LABELS.map(
  (label, at) => `shop=1&table=${at + 1},${at === 7 ? 'no' : ''},430,"${label.replaceAll('"', '""')}",上海 ${at % 2}\n`,
).join('')}`
const SHOWN = LABELS.toSpliced(7, 1)

/** The folder of a batch, and its page in Chromium. */
async function sheet(t, args = []) {
  const app = { appid: 'wx0123456789abcdef' }
  const { wxacode, file } = await desk(t, { app })
  writeFileSync(file('list.csv'), LIST)
  const { code } = await wxacode(['batch', 'list.csv', '--out', 'table codes', '--name', '{城市}/{scene}', ...args])
  assert.equal(code, 1)
  const { page, seen } = await openPage(t)
  await page.goto(pathToFileURL(file('table codes/index.html')).href)
  return { page, seen, file }
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
    if (process.env.UPDATE_SCREENSHOT) await page.screenshot({ path: SCREENSHOT, type: 'png' })
    assert.ok(statSync(SCREENSHOT).size < MAX_SCREENSHOT_BYTES)
  })

  test('has the grid that was asked for, and another when another is chosen', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--grid', '2x3'])
    assert.deepEqual(await pagesOfPaper(page), [
      ...times(4, () => ({ codes: 6, fits: true })),
      { codes: 5, fits: true },
    ])
    assert.equal(await page.inputValue('select'), '2x3')
    await page.selectOption('select', '4x5')
    await scrollThrough(page)
    assert.deepEqual(await pagesOfPaper(page), [
      { codes: 20, fits: true },
      { codes: 9, fits: true },
    ])
  })

  test(
    'prints a page of paper for each, every picture included, even one that was never in sight',
    needsChromium,
    async (t) => {
      const { page } = await sheet(t, ['--grid', '1x2'])
      const disk = await slowDisk(page)
      await page.getByRole('button').click()
      assert.equal(await page.locator('[data-printing]').count(), 0)
      disk.release()
      await page.waitForSelector('[data-printing]')
      const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
      assert.equal(pdf.match(/\/Type \/Page\b/g).length, Math.ceil(SHOWN.length / 2))
      assert.equal(pdf.match(/\/Subtype \/Image\b/g).length, SHOWN.length)
      assert.ok(
        [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].every(([, width]) => Math.round(width) === 595),
      )
    },
  )

  test('speaks Chinese', needsChromium, async (t) => {
    const { page } = await sheet(t, ['--lang', 'zh'])
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN')
    assert.equal(await page.textContent('button'), '打印')
  })

  test('opens twenty thousand codes by loading those in sight only', needsChromium, async (t) => {
    const { file } = await desk(t)
    const folder = openFolder(file('many'))
    async function* codes() {
      for (let at = 1; at <= 20_000; at++) yield { file: `code${at}.jpg`, label: `code ${at}` }
    }
    const io = { lang: 'en', say: ({ en }) => en }
    await writeSheet(codes(), { folder, grid: '4x5', title: 'many', io })
    folder.close()
    const { page, seen } = await openPage(t)
    await page.goto(pathToFileURL(file('many/index.html')).href)
    assert.equal(await page.evaluate(() => document.images.length), 20_000)
    await until(() => seen.requests.length > 10)
    assert.ok(seen.requests.length > 10 && seen.requests.length < 1000, `${seen.requests.length} files were asked for`)
    await page.selectOption('select', '8x10')
    assert.equal((await pagesOfPaper(page)).length, 250)
  })
})
