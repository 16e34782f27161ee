import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { isBlank, trimmed } from '../src/blanks.js'
import { readParam } from '../src/params.js'
import { setupCli, suite, wxacode } from './helpers.mjs'

/** Blanks that a cell or a copied text ends in, and how they are called. */
const BLANKS = {
  'a blank': ' ',
  'a no-break blank': '\u00a0',
  'a full-width blank': '\u3000',
  'a break of lines': '\n',
  'a break of lines of Windows': '\r\n',
  'a tab': '\t',
  'a mark without width': '\u200b',
  'a mark of direction': '\u202a',
  'a mark of byte order': '\ufeff',
}

const code = (blank) => `U+${blank.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

suite('blank characters', (test) => {
  for (const [what, blank] of Object.entries(BLANKS)) {
    test(`${what} is trimmed from values that never contain any`, () => {
      const around = (text) => blank + text + blank
      assert.deepEqual(readParam('envVersion', around('trial')), { value: 'trial' })
      assert.deepEqual(readParam('width', around('280')), { value: 280 })
      assert.deepEqual(readParam('checkPath', around('FALSE')), { value: false })
      assert.deepEqual(readParam('lineColor', around('0,100,0')), { value: { r: 0, g: 100, b: 0 } })
      assert.equal(trimmed(around('a b')), 'a b')
      assert.ok(isBlank(around('')))
    })

    test(`${what} in a page is reported, wherever it is`, () => {
      assert.ok(
        readParam('page', `pages/x${blank}`).blank.en.startsWith(
          `it ends in a blank or invisible character, ${code(blank)}`,
        ),
      )
      assert.match(readParam('page', `${blank}pages/x`).blank.en, /character 1 /)
      assert.match(readParam('page', `pages${blank}/x`).blank.zh, /第 6 个字符/)
      assert.match(readParam('page', `页面😀${blank}/x`).blank.en, /character 4 /)
    })

    test(`${what} at an end of a path is reported`, () => {
      assert.match(
        readParam('path', `pages/x?a=1${blank}`).blank.en,
        new RegExp(`ends in .*, ${code(blank).replace('+', '\\+')}`),
      )
      assert.match(readParam('path', `${blank}pages/x`).blank.en, /character 1 /)
    })
  }

  test('visible ones are accepted in a path, and invisible ones are not', () => {
    for (const path of ['pages/x?name=a b', 'pages/x?name=上　海', 'pages/index/index']) {
      assert.deepEqual(readParam('path', path), { value: path })
    }
    for (const blank of ['\n', '\r', '\t', '\u00a0', '\u200b', '\u0000', '\u2028']) {
      assert.ok(readParam('path', `pages/x?a=${blank}b`).blank, JSON.stringify(blank))
    }
  })

  test('are refused by check and by the commands for one code', async () => {
    for (const [args, message] of [
      [['--scene', 'a', '--page', 'pages/index/index '], /--page.*it ends in a blank .*U\+0020 at position 18/],
      [['--scene', 'a', '--page', 'pages/index\u3000/index'], /--page.*character 12 .*U\+3000/],
      [['--path', 'pages/index/index?a=1\u200b'], /--path.*it ends in .*U\+200B at position 22/],
      [['--scene', 'id=1 '], /character 5 of --scene is “ ” \(U\+0020\)/],
      [['--scene', 'id=1\u00a0'], /character 5 of --scene .*U\+00A0/],
    ]) {
      const { code: exit, err } = await wxacode(['check', ...args])
      assert.equal(exit, 2, err)
      assert.match(err, message)
    }
    const { code: exit, json } = await wxacode(['check', '--scene', 'a', '--env-version', ' trial\u3000', '--json'])
    assert.deepEqual([exit, json().params], [0, { scene: 'a', envVersion: 'trial' }])
    const one = await wxacode(['unlimited', '--scene', 'a', '--page', 'x ', '-o', 'x.jpg'])
    assert.match(one.err, /it ends in a blank/)
  })

  test('in a list are trimmed from names, labels and choices, and reported in scenes, pages and paths', async (t) => {
    const { wxacode: run, file, fake } = await setupCli(t)
    const list = [
      'kind,scene,path,page,envVersion,name,label,\u200bis hyaline ',
      ' unlimited\u3000,id=1,,\u3000,"trial\n", one\u00a0, Bund\u3000,true ',
      ',id=2 ,,,,two,,',
      ',id=3\u200b,,,,,,',
      ',"id=4\n",,,,four,,',
      ',id=5,,pages/index/index ,,five,,',
      'limited,,pages/index/index?a=b\u00a0,,,six,,',
      ' ,\u3000,,\u200b,,,,',
    ]
    writeFileSync(file('list.csv'), list.join('\n'))
    const { json } = await run(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '100', '--retries', '5'])
    assert.deepEqual([json().rows, json().written], [6, 1])
    assert.deepEqual(
      readdirSync(file('codes')).filter((name) => /jpg|png/.test(name)),
      ['one.png'],
    )
    assert.match(readFileSync(file('codes/index.html'), 'utf8'), />Bund</)
    const { body } = fake.requests.find(({ endpoint }) => endpoint === 'getwxacodeunlimit')
    assert.deepEqual(JSON.parse(body), { scene: 'id=1', env_version: 'trial', is_hyaline: true })
    const report = parse(readFileSync(file('codes/report.csv')), { columns: true, bom: true })
    const said = report.map(({ row, param, error }) => [row, param, error])
    for (const [at, [row, param, message]] of [
      ['3', 'scene', /character 5 of scene is “ ” \(U\+0020\)/],
      ['4', 'scene', /character 5 of scene .*U\+200B/],
      ['5', 'scene', /character 5 of scene .*U\+000A/],
      ['6', 'page', /invalid page “pages\/index\/index ”: it ends in a blank .* U\+0020 at position 18/],
      ['7', 'path', /invalid path .*: it ends in a blank .* U\+00A0 at position 22/],
    ].entries()) {
      assert.deepEqual(said[at].slice(0, 2), [row, param])
      assert.match(said[at][2], message)
    }
    assert.equal(report[1].scene, 'id=3\u200b', 'as it is in the list')
  })
})
