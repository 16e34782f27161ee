import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import jsQR from 'jsqr'
import { times } from '../../__test__/support/suite.mjs'
import { setupCli, suite } from './helpers.mjs'
import { pixelsOf, terminal } from './terminal.mjs'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const GREEN = '\x1b[32m'
const RED = '\x1b[31m'
const PLAIN = '\x1b[39m'

/** A list of small codes, every tenth of a page that is not published. */
const listOf = (n) =>
  `scene,page,width,isHyaline\n${times(n, (at) => `id=${at},${at % 10 === 9 ? 'no' : ''},280,1\n`).join('')}`

suite('on a terminal', (test) => {
  test('batch draws a progress bar with rate, remaining time and errors by code, and restores the cursor', async (t) => {
    const here = await setupCli(t)
    writeFileSync(here.file('list.csv'), listOf(60))
    const hold = here.fake.hold('codes')
    const running = terminal(t, here, ['batch', 'list.csv', '--out', 'codes'])
    await here.fake.arrived(16, 'codes')
    await running.printed(HIDE_CURSOR)
    hold.release()
    const { code, out } = await running.done
    assert.equal(code, 1)
    const drawn = out.slice(out.indexOf(HIDE_CURSOR), out.lastIndexOf(SHOW_CURSOR))
    assert.match(drawn, /░{10,}/)
    assert.match(drawn, /█+ 100 % {2}60\/60 {2}[\d.]+\/s {2}00:00 left {2}41030 ×6/)
    assert.ok(!drawn.includes('\n'), 'the bar stays in its line')
    assert.match(out.slice(out.lastIndexOf(SHOW_CURSOR)), /✓.* 54 written/)
  })

  test('the bar speaks Chinese, and fits a narrow terminal', async (t) => {
    const here = await setupCli(t)
    writeFileSync(here.file('list.csv'), listOf(10))
    const { out } = await terminal(t, here, ['batch', 'list.csv', '--out', 'codes', '--lang', 'zh'], { columns: 60 })
      .done
    assert.match(out, /█{10} 100 % {2}10\/10 {2}[\d.]+ 个\/秒 {2}剩余 00:00 {2}41030 ×1/)
  })

  test('Ctrl-C stops a batch with 130, restores the cursor and leaves no half-written file', async (t) => {
    const here = await setupCli(t)
    writeFileSync(here.file('list.csv'), listOf(200))
    let answered = 0
    const where = () => ++answered > 30
    here.fake.fail('drip', { endpoint: 'codes', times: Number.POSITIVE_INFINITY, where })
    const running = terminal(t, here, ['batch', 'list.csv', '--out', 'codes'])
    await here.fake.arrived(40, 'codes')
    running.type('\x03')
    const { code, out } = await running.done
    assert.equal(code, 130)
    assert.ok(out.includes(SHOW_CURSOR))
    assert.match(out, /rows not requested/)
    assert.ok(existsSync(here.file('codes/report.csv')))
    assert.deepEqual(readdirSync(here.file('codes/.wxacode')), ['journal.jsonl'])
    assert.ok(readdirSync(here.file('codes')).every((name) => !name.endsWith('.tmp')))
  })

  test('--show draws a code that scans from the screen', async (t) => {
    const here = await setupCli(t)
    for (const flags of [[], ['--is-hyaline']]) {
      const args = ['unlimited', '--scene', 'on=screen', '--width', '280', '--show', ...flags]
      const { code, out } = await terminal(t, here, args, { columns: 200, rows: 102 }).done
      assert.equal(code, 0)
      const { data, width, height } = pixelsOf(out)
      assert.equal(width, height)
      assert.equal(JSON.parse(jsQR(data, width, height).data).scene, 'on=screen')
    }
  })

  test('--show fits the terminal', async (t) => {
    const here = await setupCli(t)
    const args = ['unlimited', '--scene', 's', '--width', '280', '--show']
    const { out } = await terminal(t, here, args, { columns: 50, rows: 20 }).done
    const lines = out.split('\r\n').filter((line) => line.includes('▀'))
    assert.equal(lines.length, 18)
    for (const line of lines) assert.equal(line.match(/▀/g).length, 36)
  })

  test('a typed AppSecret is not echoed', async (t) => {
    const here = await setupCli(t)
    const env = { WXACODE_SECRET: '' }
    const asking = terminal(t, here, ['unlimited', '--scene', 's', '--secret-stdin', '-o', 'a.jpg'], { env })
    await asking.printed('AppSecret: ')
    asking.type(`${here.account.secret}\r`)
    const { code, out } = await asking.done
    assert.equal(code, 0)
    assert.ok(!out.includes(here.account.secret))
    assert.ok(existsSync(here.file('a.jpg')))
  })

  test('Ctrl-C at the prompt for the AppSecret exits with 130', async (t) => {
    const here = await setupCli(t)
    const asking = terminal(t, here, ['unlimited', '--scene', 's', '--secret-stdin', '-o', 'a.jpg'])
    await asking.printed('AppSecret: ')
    asking.type('\x03')
    assert.equal((await asking.done).code, 130)
    assert.equal(here.fake.count(), 0)
  })

  test('a picture is not written to the terminal, and no request is made', async (t) => {
    const here = await setupCli(t)
    const { code, out } = await terminal(t, here, ['limited', '--path', 'a', '-o', '-']).done
    assert.equal(code, 2)
    assert.match(out, /the standard output is a terminal.*\r\n.*--show/)
    assert.equal(here.fake.count(), 0)
  })

  test('success is green, failure is red, and NO_COLOR is honoured', async (t) => {
    const here = await setupCli(t)
    const args = ['doctor', '--page', 'not/there']
    const { out } = await terminal(t, here, args).done
    assert.ok(out.includes(`${GREEN}✓${PLAIN} credentials`))
    assert.ok(out.includes(`${RED}✗${PLAIN} page`))
    assert.ok(out.includes(`${RED}41030 invalid page`))
    const bare = await terminal(t, here, args, { env: { NO_COLOR: '1' } }).done
    assert.ok(bare.out.includes('✗ page') && !bare.out.includes('\x1b'))
  })
})
