import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { times } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'
import { openFolder } from '../src/batch/folder.js'
import { findChromium, printToPdf } from '../src/batch/sheet/chromium.js'
import { labelPaperOf } from '../src/batch/sheet/label-papers.js'
import { gridLayout, labelLayout } from '../src/batch/sheet/layout.js'
import { paperOf } from '../src/batch/sheet/papers.js'
import { writePdf } from '../src/batch/sheet/pdf.js'
import { needsChromium } from './chromium.mjs'
import { listOf, setupBatch, setupCli, suite } from './helpers.mjs'
import { pagesOf } from './pdf-pages.mjs'

const A4 = paperOf('a4')
/** Twenty codes are drawn in more than the ten seconds of a call where browsers take the machine. */
const PATIENT = ['--timeout', '60']
/** How far a picture may be from its place, in millimetres. */
const NEAR = 0.1

/** A folder for a day. */
function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-pdf-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A browser that is a script of the shell: $pdf is what it has to write, $html what it has to print. */
function browser(folder, script, name = 'chromium') {
  const path = join(folder, name)
  const last = 'for one; do case $one in --print-to-pdf=*) pdf=$' + '{one#*=};; esac; done\nhtml=$' + '{one#file://}\n'
  writeFileSync(path, `#!/bin/sh\n${last}${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const isAlive = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Where the pictures of a page have to be. */
function placesOf({ columns, rows, left, top, width, height, gapX, gapY, side, lines, text, beside }) {
  const caption = beside ? 0 : lines * text * 1.15
  return times(columns * rows, (at) => [
    left + (at % columns) * (width + gapX) + (width - side) / 2,
    top + Math.floor(at / columns) * (height + gapY) + (height - side - caption) / 2,
  ])
}

/** A sheet of codes that are not there, for a browser that does not look at them. */
function sheetOf(count, grid = '4x5') {
  const io = { lang: 'en', say: ({ en }) => en, note() {}, signal: new AbortController().signal, env: process.env }
  const failures = [{ row: 2, label: 'a', failure: { code: 'X', cause: 'no reason' } }]
  const missing = { failures, failed: 1, notAsked: 0 }
  const look = { layout: gridLayout(A4, grid), cutMarks: 'lines', grid }
  return { look, title: 'many', date: '2026-11-30', count, missing, io }
}

async function* codesOf(count) {
  for (let at = 1; at <= count; at++) yield { file: `shops/${at}.jpg`, label: `code ${at}` }
}

suite('the sheet as a PDF', (test) => {
  test('has every picture once, as it was received, at its place', needsChromium, async (t) => {
    const { wxacode, file } = await setupCli(t)
    const rows = times(
      7,
      (at) => `id=${at + 1},"${at === 3 ? '</title><script>alert(1)</script>' : `外滩店 ${at + 1} 号桌`}"`,
    )
    writeFileSync(file('list.csv'), `scene,label\n${rows.join('\n')}\n`)
    const args = [
      'batch',
      'list.csv',
      '--out',
      'table codes',
      '--pdf',
      '--grid',
      '2x3',
      '--offset',
      '0.3,-0.7',
      '--json',
      ...PATIENT,
    ]
    const { code, json, err } = await wxacode(args)
    assert.deepEqual([code, json().pdf, err], [0, ['table codes/index.pdf'], ''], JSON.stringify(json()))
    const pages = pagesOf(readFileSync(file('table codes/index.pdf')))
    const received = times(7, (at) => readFileSync(file(`table codes/id=${at + 1}.jpg`)))
    const layout = gridLayout(A4, '2x3', { offset: { x: 0.3, y: -0.7 } })
    const pictures = pages.flatMap((page) => page.pictures)
    assert.deepEqual(
      pages.map((page) => page.pictures.length),
      [6, 1],
    )
    assert.equal(new Set(pictures.map(({ number }) => number)).size, 7)
    for (const [at, { left, top, width, height, bytes }] of pictures.entries()) {
      const [x, y] = placesOf(layout)[at % 6]
      const off = [left - x, top - y, width - layout.side, height - layout.side].map(Math.abs)
      assert.ok(Math.max(...off) < NEAR, `picture ${at + 1} is off by ${off} mm`)
      assert.ok(bytes.equals(received[at]), `picture ${at + 1} was changed`)
    }
    for (const { width, height } of pages) assert.ok(Math.abs(width - 210) < 0.3 && Math.abs(height - 297) < 0.3)
    assert.deepEqual(readdirSync(file('table codes/.wxacode')), ['journal.jsonl'])
  })

  test('has pages of the paper, and one of the failed rows where the paper is no label', needsChromium, async (t) => {
    const { wxacode, file } = await setupCli(t)
    writeFileSync(file('list.csv'), 'scene,page\nid=1,pages/index/index\nid=2,no\nid=3,pages/index/index\n')
    for (const [paper, wanted] of [
      ['60x40', ['60 x 40: 1', '60 x 40: 1']],
      ['a5', ['148 x 210: 1', '148 x 210: 1', '148 x 210: 0']],
    ]) {
      const args = [
        'batch',
        'list.csv',
        '--out',
        'codes',
        '--pdf',
        '--paper',
        paper,
        '--grid',
        '1x1',
        '--lang',
        'en',
        ...PATIENT,
      ]
      const { code, out } = await wxacode(args)
      assert.equal(code, 1)
      assert.match(out, /^ {2}PDF {2}codes\/index\.pdf$/m)
      const pages = pagesOf(readFileSync(file('codes/index.pdf')))
      assert.deepEqual(
        pages.map(({ width, height, pictures }) => `${Math.round(width)} x ${Math.round(height)}: ${pictures.length}`),
        wanted,
      )
    }
  })

  test('has each code within its label, from the first free one on', needsChromium, async (t) => {
    const { wxacode, file } = await setupCli(t)
    const rows = times(20, (at) => `id=${at + 1},${'a very long label that is cut '.repeat(9)}`)
    writeFileSync(file('list.csv'), `scene,label\n${rows.join('\n')}\n`)
    const args = [
      'batch',
      'list.csv',
      '--out',
      'codes',
      '--label-paper',
      'L7160',
      '--start-label',
      '20',
      '--pdf',
      '--json',
      ...PATIENT,
    ]
    const { code, out, err } = await wxacode(args)
    assert.equal(code, 0, `${out}${err}`)
    const pages = pagesOf(readFileSync(file('codes/index.pdf')))
    assert.deepEqual(
      pages.map(({ pictures }) => pictures.length),
      [2, 18],
    )
    const layout = labelLayout(labelPaperOf('L7160'), A4, {})
    // Beside it is the label, which is all as wide as it may be.
    const x = (layout.width - layout.side - 2 - layout.captionWidth) / 2
    for (const [at, { left, top }] of pages.flatMap(({ pictures }) => pictures).entries()) {
      const cell = (at + 19) % 21
      const wanted = [7.21 + (cell % 3) * 66.04 + x, 15.15 + Math.floor(cell / 3) * 38.1 + (38.1 - layout.side) / 2]
      const off = [left - wanted[0], top - wanted[1]].map(Math.abs)
      assert.ok(Math.max(...off) < NEAR, `code ${at + 1} is off by ${off} mm`)
    }
  })

  test('is refused before the first request where there is no browser', async (t) => {
    const { fake, batch, file } = await setupBatch(t, listOf(2))
    const none = await batch(['--pdf'], { env: { PATH: folderOf(t) } })
    assert.equal(none.code, 2)
    assert.match(none.json().error.cause, /needs Chrome, Edge or Chromium, and none was found/)
    assert.match(none.json().error.fix, /apt-get install chromium.*--chromium.*any browser prints index\.html/)
    const chinese = await batch(['--pdf', '--lang', 'zh'], { env: { PATH: folderOf(t) } })
    assert.match(chinese.json().error.cause, /没有找到/)
    for (const [args, env] of [
      [['--chromium', '/nowhere/chrome'], {}],
      [[], { WXACODE_CHROMIUM: '/nowhere/chrome' }],
    ]) {
      const { code, json } = await batch(['--pdf', ...args], { env })
      assert.equal(code, 2)
      assert.match(json().error.cause, /^\/nowhere\/chrome, from --chromium or WXACODE_CHROMIUM, is not a program/)
    }
    assert.ok(!existsSync(file('codes')))
    assert.equal(fake.requests.length, 0)
  })

  test('that a browser does not write leaves the codes, the sheet and a reason', async (t) => {
    const { batch, file, pictures } = await setupBatch(t, listOf(2))
    const path = browser(
      folderOf(t),
      'echo "[1:1:ERROR:dbus/bus.cc] no bus" >&2; echo "cannot open display" >&2; exit 7',
    )
    const { code, json } = await batch(['--pdf', '--chromium', path])
    const { ok, written, sheet, pdf, error } = json()
    assert.deepEqual([code, ok, written, sheet, pdf], [1, false, 2, 'codes/index.html', undefined])
    assert.equal(error.code, 'ERR_CLI_PDF')
    assert.equal(error.cause, `${path} wrote no PDF (exit code 7): cannot open display`)
    assert.match(error.fix, /any browser prints index\.html/)
    assert.equal(pictures().length, 2)
    assert.ok(existsSync(file('codes/index.html')))
    assert.deepEqual(readdirSync(file('codes/.wxacode')), ['journal.jsonl'])
  })

  test('says what to do where a machine allows no sandbox', async (t) => {
    const path = browser(folderOf(t), 'echo "[FATAL:zygote_host_impl_linux.cc] No usable sandbox!" >&2; exit 1')
    const { batch } = await setupBatch(t, listOf(1))
    const { error } = (await batch(['--pdf', '--chromium', path])).json()
    assert.match(error.cause, /No usable sandbox!/)
    assert.match(error.fix, /a script that adds --no-sandbox/)
  })

  test('is written by a browser that knows no secret, has no network and a profile for itself', async (t) => {
    const folder = folderOf(t)
    const path = browser(
      folder,
      `env > ${folder}/env; echo "$@" > ${folder}/args; cp "$html" ${folder}/html; echo x > "$pdf"`,
    )
    const { batch, account } = await setupBatch(t, listOf(1))
    const { code } = await batch(['--pdf', '--chromium', path, '--title', '<b>'])
    assert.equal(code, 0)
    const [env, args, html] = ['env', 'args', 'html'].map((name) => readFileSync(join(folder, name), 'utf8'))
    assert.ok(env.includes('PATH=') && !env.includes(account.secret) && !/^WXACODE_/m.test(env))
    assert.match(args, /--host-resolver-rules=MAP \* ~NOTFOUND/)
    assert.equal(args.includes('--no-sandbox'), process.getuid() === 0)
    assert.ok(!existsSync(/--user-data-dir=(\S+)/.exec(args)[1]))
    assert.ok(!/<script|<b>|loading=/.test(html))
    assert.match(html, /default-src 'none'; img-src file:/)
  })

  test('is stopped by Ctrl-C together with its browser and what that started', async (t) => {
    const folder = folderOf(t)
    const path = browser(folder, `sleep 1000 & echo $! > ${folder}/pid; wait`)
    const { begin, file } = await setupBatch(t, listOf(1))
    const { child, done } = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--pdf', '--chromium', path])
    assert.ok(await until(() => existsSync(join(folder, 'pid')) && readFileSync(join(folder, 'pid'), 'utf8').trim()))
    child.kill('SIGINT')
    const { code, json } = await done
    assert.deepEqual([code, json().written, json().error.code], [130, 1, 'ERR_CLI_INTERRUPTED'])
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    assert.ok(await until(() => !isAlive(pid)), 'the browser is still there')
    assert.deepEqual(readdirSync(file('codes/.wxacode')), ['journal.jsonl'])
  })

  test('is given up when its browser takes too long', async (t) => {
    const folder = folderOf(t)
    const path = browser(folder, 'sleep 1000')
    const { signal } = new AbortController()
    const files = { html: join(folder, 'a.html'), pdf: join(folder, 'a.pdf') }
    await assert.rejects(printToPdf(path, files, { signal, timeoutMs: 100, env: process.env }), {
      code: 'ERR_CLI_PDF',
      message: /did not finish the PDF within 0\.1 s/,
    })
  })

  test('is several documents from a thousand codes on, and no older ones beside them', async (t) => {
    const path = browser(folderOf(t), 'cp "$html" "$pdf"')
    const folder = openFolder(join(folderOf(t), 'codes'))
    t.after(() => folder.close())
    const pages = (file) =>
      [...readFileSync(join(folder.path, file), 'utf8').matchAll(/<span>(\d+ \/ \d+)<\/span><\/footer>/g)].map(
        ([, one]) => one,
      )
    const write = (count) => {
      const sheet = sheetOf(count)
      return writePdf(codesOf(count), sheet, { folder, chromium: path, io: sheet.io })
    }
    assert.deepEqual(await write(2101), ['index.pdf', 'index-2.pdf', 'index-3.pdf'])
    const all = ['index.pdf', 'index-2.pdf', 'index-3.pdf'].map(pages)
    assert.deepEqual(
      all.flat(),
      times(106, (at) => `${at + 1} / 106`),
    )
    assert.deepEqual(
      all.map(({ length }) => length),
      [50, 50, 6],
    )
    const html = ['index.pdf', 'index-3.pdf'].map((file) => readFileSync(join(folder.path, file), 'utf8'))
    assert.deepEqual(
      html.map((text) => text.includes('id="missing"')),
      [false, true],
    )
    assert.match(html[1], /src="\.\.\/shops\/2101\.jpg"/)
    const labels = sheetOf(2101)
    labels.look.taken = 19
    await writePdf(codesOf(2101), labels, { folder, chromium: path, io: labels.io })
    assert.deepEqual(
      ['index.pdf', 'index-2.pdf', 'index-3.pdf'].map((file) => [pages(file).length, pages(file).at(-1)]),
      [
        [50, '50 / 106'],
        [50, '100 / 106'],
        [6, '106 / 106'],
      ],
    )
    const codes = ['index.pdf', 'index-2.pdf'].map(
      (file) => readFileSync(join(folder.path, file), 'utf8').match(/<img/g).length,
    )
    assert.deepEqual(codes, [981, 1000])
    assert.deepEqual(await write(1000), ['index.pdf'])
    assert.deepEqual(readdirSync(folder.path).sort(), ['.wxacode', 'index.pdf'])
  })

  test('is written by the browser of the machine', (t) => {
    const folder = folderOf(t)
    const edge = join(folder, 'Microsoft/Edge/Application')
    mkdirSync(edge, { recursive: true })
    const found = browser(edge, '', 'msedge.exe')
    const env = { 'ProgramFiles(x86)': folder, PATH: '' }
    assert.equal(findChromium(undefined, { env, platform: 'win32' }), found)
    assert.throws(() => findChromium(undefined, { env, platform: 'linux' }), { code: 'ERR_CLI_USAGE' })
    const chrome = browser(folder, '', 'google-chrome')
    for (const [given, wanted] of [
      [undefined, chrome],
      ['google-chrome', chrome],
      [chrome, chrome],
    ])
      assert.equal(findChromium(given, { env: { PATH: `/nowhere:${folder}` }, platform: 'linux' }), wanted)
    assert.throws(() => findChromium(folder, { env }), /is not a program that can be run/)
  })
})
