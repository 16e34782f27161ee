import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { asked } from '../../__test__/support/decode.mjs'
import { times } from '../../__test__/support/suite.mjs'
import { setupCli, suite } from './helpers.mjs'

const ROWS = 20_000
const FOREVER = Number.POSITIVE_INFINITY

/** Pictures repeat, which spares the fake drawing and the test decoding; those of neighbours differ. */
const SCENES = 997
const sceneOf = (at) => `id=${at % SCENES}`

/** WeChat draws light lines in black, so that the colour gives each request away and leaves the picture as it is. */
const colorOf = (at) => ({ r: 255, g: 255 - (at >> 8), b: at & 255 })
const rowAt = ({ line_color: { g, b } }) => ((255 - g) << 8) | b

/** What is wrong with some rows, by their last digits. */
const isIn =
  (...rests) =>
  (at) =>
    rests.includes(at % 1000)
const isIllegal = isIn(100, 600)
const isTwin = isIn(200, 201)
const isUnpublished = isIn(300, 301, 302, 303, 304, 305, 306, 307, 308, 309)

/** Row `at`, which counts from 0; Excel counts from 1 and has the header first. */
function line(at) {
  const { r, g, b } = colorOf(at)
  const name = isTwin(at) ? `twin${at - (at % 2)}` : `row${at}`
  return `${isIllegal(at) ? '50%' : sceneOf(at)},${isUnpublished(at) ? 'pages/nowhere' : ''},${name},"${r},${g},${b}",true,280\n`
}

/** Faults of the network and of WeChat, each for other rows. Once: the client tries again, or the row is reported. */
const ONCE = [
  [-1, isIn(10, 510)],
  ['reset', isIn(20, 520)],
  ['close', isIn(30)],
  ['truncate', isIn(40)],
  ['html', isIn(50)],
  ['empty', isIn(60, 560)],
  ['cut', isIn(70)],
  [{ status: 502 }, isIn(80)],
  [40001, (at) => at % 5000 === 2500],
]
/** Rows that never get an answer. */
const isDead = (at) => at % 4000 === 1790

function injectFaults(fake) {
  for (const [what, isHit] of ONCE) {
    const hit = new Set()
    const where = ({ body }) => {
      const at = rowAt(JSON.parse(body))
      return isHit(at) && !hit.has(at) && Boolean(hit.add(at))
    }
    fake.fail(what, { endpoint: 'codes', times: FOREVER, where })
  }
  fake.fail('hang', { endpoint: 'codes', times: FOREVER, where: ({ body }) => isDead(rowAt(JSON.parse(body))) })
}

/** The rows that requests asked for. */
const rowsAsked = (requests) =>
  requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit').map(({ body }) => rowAt(JSON.parse(body)))

suite('twenty thousand rows', (test) => {
  test('with faults, killed halfway and continued, end as a correct picture or a reported error each, and no written one is fetched again', {
    timeout: 600_000,
  }, async (t) => {
    const { fake, file, begin, wxacode } = await setupCli(t, {
      keepRequests: FOREVER,
      limits: { unlimitedPerMinute: FOREVER },
    })
    const header = 'scene,page,name,lineColor,isHyaline,width\n'
    writeFileSync(file('list.csv'), header + times(ROWS, line).join(''))
    injectFaults(fake)
    const flags = ['--rate', 'Infinity', '--concurrency', '64', '--timeout', '5', '--json']
    const batch = ['batch', 'list.csv', '--out', 'codes', ...flags]
    const pictures = () => new Set(readdirSync(file('codes')).filter((name) => name.endsWith('.png')))

    const killed = begin(batch)
    await fake.arrived(ROWS / 2, 'codes')
    killed.child.kill('SIGKILL')
    assert.equal((await killed.done).signal, 'SIGKILL')
    await fake.idle()
    const written = pictures()
    const before = fake.requests.length
    assert.ok(written.size > ROWS / 4 && written.size < ROWS / 2 + 100, `${written.size} were written`)

    const { code, json } = await wxacode(batch)
    assert.equal(code, 1)
    const { rows, written: more, kept, failed, notAsked } = json()
    assert.deepEqual([rows, kept, notAsked], [ROWS, written.size, 0])
    assert.equal(more + kept + failed, ROWS)

    const after = rowsAsked(fake.requests.slice(before))
    const again = after.filter((at) => written.has(`row${at}.png`))
    assert.deepEqual(again, [], 'rows that were asked for although they were written')
    const retried = after.length - new Set(after).size
    assert.ok(retried < 300, `${retried} requests beside one for each row`)

    const report = new Map(
      parse(readFileSync(file('codes/report.csv')), { columns: true, bom: true }).map((row) => [row.row - 2, row]),
    )
    const there = pictures()
    assert.equal(there.size + report.size, ROWS)
    for (let at = 0; at < ROWS; at++) {
      const name = `row${at}.png`
      const failure = report.get(at)
      assert.notEqual(there.has(name), failure !== undefined, `row ${at} is both or neither`)
      if (failure) assert.ok(failure.error && failure.fix, `row ${at}: ${JSON.stringify(failure)}`)
      else assert.equal(asked(readFileSync(file(`codes/${name}`))).scene, sceneOf(at))
      if (isIllegal(at)) assert.equal(failure?.param, 'scene')
      else if (isTwin(at)) assert.equal(failure?.code, 'ERR_CLI_NAME')
      else if (isUnpublished(at)) assert.equal(failure?.errcode, '41030')
      else if (isDead(at)) assert.equal(failure?.code, 'ERR_WXA_TIMEOUT')
    }
    const figures = readFileSync(file('codes/index.html'), 'utf8').match(/<figure>/g)
    assert.equal(figures.length, there.size)

    const last = (await wxacode(batch)).json()
    assert.equal(last.kept, there.size)
  })
})
