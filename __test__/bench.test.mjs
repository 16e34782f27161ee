import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { compareBuilds, compareRuns } from '../bench/compare.mjs'
import { GOALS, goals } from '../bench/goals.mjs'
import { addonWorkers } from '../bench/lab.mjs'
import { BARE, BEFORE, MINIMAL, OURS, REFERENCE, TRACED } from '../bench/names.mjs'
import { LEAST_ROUNDS, pairedInterval, unpairedInterval } from '../bench/noise.mjs'
import { charts, inReadme } from '../bench/page.mjs'
import { pages } from '../bench/report.mjs'
import { COLD, scenes } from '../bench/scenes.mjs'
import { mistakesIn } from '../scripts/language.mjs'
import { isChinese, ROOT, text } from '../scripts/pages.mjs'

const READMES = ['README.md', 'README.zh-CN.md']

/** Numbers from 0 to 1, the same in every run. */
function randoms(seed) {
  let state = seed
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state / 2 ** 31
  }
}

const FIGURES = { codesPerSecond: 40_000, cpuUs: 30, threadUs: 10, delayP99Ms: 1.5, rssMiB: 110 }

/** Rounds of one client, each figure `times` what it usually is, and up to 4 % more. */
function roundsOf(count, times = {}, random = randoms(7)) {
  const one = () =>
    Object.fromEntries(
      Object.entries(FIGURES).map(([name, value]) => [name, value * (times[name] ?? 1) * (1 + random() / 25)]),
    )
  return Array.from({ length: count }, one)
}

const oneScene = (rounds) => ({ scenes: [{ name: 'usual', title: 'usual', rounds }] })

/** A whole run, as `npm run bench -- --json` writes it. */
function wholeRun(count = 5) {
  const random = randoms(11)
  const of = (clients, once) =>
    Object.fromEntries(
      clients.filter((client) => client !== BEFORE && client !== TRACED).map((client) => [client, once(client)]),
    )
  const cold = () => of(['none', ...COLD], (client) => [{ ms: client === 'none' ? 50 : 60 + random() }])
  return {
    environment: {
      date: '2026-01-02',
      commit: 'abc1234',
      cores: 2,
      cpu: 'A CPU',
      memoryGiB: 4,
      node: '20.19.0',
      rounds: count,
      time: 2000,
      warmup: 1000,
      others: 0.01,
    },
    addonBytes: 4_400_000,
    scenes: scenes.map((scene) => ({ ...scene, rounds: of(scene.clients, () => roundsOf(count, {}, random)) })),
    kept: { [OURS]: [{ hitUs: 5.5, copyUs: 3.3, overUs: 2.2 }] },
    tiers: { [OURS]: [{ memoryUs: 20, diskUs: 150, storeUs: 90, serverUs: 300 }] },
    cold: cold(),
    coldTls: cold(),
    many: { [OURS]: [{ makeUs: 9.5, keepKiB: 4.5 }] },
    merchants: { [OURS]: [{ makeUs: 9.5, keepKiB: 3.5 }] },
    merchantsRedis: { [OURS]: [{ makeUs: 9.5, keepKiB: 3.5 }] },
    steady: [103, 143],
  }
}

describe('the comparison of two builds', () => {
  test('a build that is 10 % quicker is better, and what it did not change is not marked', () => {
    const rounds = {
      [BEFORE]: roundsOf(12),
      [OURS]: roundsOf(12, { codesPerSecond: 1.1, cpuUs: 0.9, rssMiB: 1.2 }, randoms(8)),
    }
    const verdicts = compareBuilds(oneScene(rounds)).map(({ figure, verdict }) => [figure, verdict])
    assert.deepEqual(Object.fromEntries(verdicts), {
      codesPerSecond: 'better',
      cpuUs: 'better',
      threadUs: '',
      delayP99Ms: '',
      rssMiB: 'worse',
    })
  })

  test('too few rounds are no verdict', () => {
    const rounds = (count) => ({ [BEFORE]: roundsOf(count), [OURS]: roundsOf(count, { cpuUs: 0.5 }) })
    const cpu = (count) => compareBuilds(oneScene(rounds(count))).find(({ figure }) => figure === 'cpuUs').verdict
    assert.equal(cpu(LEAST_ROUNDS - 1), 'too few rounds')
    assert.equal(cpu(LEAST_ROUNDS), 'better')
  })

  test('of two runs of the same build, one in fifty at most is marked', () => {
    const random = randoms(3)
    const wrong = { paired: 0, unpaired: 0 }
    const series = () => Array.from({ length: 12 }, () => 1 + random() ** 4)
    const apart = ({ from, to }) => from > 1 || to < 1
    for (let run = 0; run < 1000; run++) {
      if (apart(pairedInterval(series(), series()))) wrong.paired += 1
      if (apart(unpairedInterval(series().slice(0, 5), series().slice(0, 5)))) wrong.unpaired += 1
    }
    assert.ok(wrong.paired <= 20 && wrong.unpaired <= 20, JSON.stringify(wrong))
  })

  test('an interval is from the order of the measurements: one that went wrong does not widen it', () => {
    const before = Array(12).fill(1)
    assert.deepEqual(pairedInterval(before, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 99]), { from: 2, to: 2 })
    assert.deepEqual(unpairedInterval([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]), { from: 1, to: 5 })
    assert.equal(unpairedInterval([1, 1, 1, 1], [2, 2, 2, 2]), undefined)
    // Of 100 ratios, the 17th from either end: 16 is what tables have for ten and ten, two-sided, at 1 %.
    const powers = Array.from({ length: 10 }, (_, n) => 10 ** -n)
    const { from, to } = unpairedInterval(
      powers,
      powers.map((_, n) => 1 + n / 2),
    )
    assert.deepEqual([Math.round(from), Math.round(to)], [40, 250_000_000])
  })
})

describe('the comparison of two runs', () => {
  const slow = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, name === 'codesPerSecond' ? 0.5 : 2]))
  const before = oneScene({ [OURS]: roundsOf(5), [REFERENCE]: roundsOf(5, {}, randoms(5)) })

  test('a machine that was half as quick in one of them changes no multiple of the reference', () => {
    const after = oneScene({ [OURS]: roundsOf(5, slow, randoms(9)), [REFERENCE]: roundsOf(5, slow, randoms(6)) })
    const rows = compareRuns(before, after)
    const verdicts = (client) => new Set(rows.filter((row) => row.client === client).map(({ verdict }) => verdict))
    assert.deepEqual(verdicts(`${OURS} / ${REFERENCE}`), new Set(['']))
    assert.deepEqual(verdicts(OURS), new Set(['worse']))
    assert.deepEqual(verdicts(REFERENCE), new Set(['worse']))
  })

  test('the command prints each client and figure that both runs have', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const after = oneScene({
      [OURS]: roundsOf(5, { cpuUs: 0.5 }, randoms(9)),
      [REFERENCE]: roundsOf(5),
      extra: roundsOf(5),
    })
    const files = Object.entries({ before, after }).map(([name, results]) => {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(results))
      return `${name}.json`
    })
    const script = join(ROOT, 'bench/compare.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...files], {
      env: { ...process.env, INIT_CWD: folder },
    })
    const rows = stdout.split('\n').filter((line) => line.startsWith('| usual'))
    assert.equal(rows.length, 3 * Object.keys(FIGURES).length)
    assert.match(
      stdout,
      /^\| usual \| wxacode \| CPU µs\/code \| 3\d\.\d \| 1\d\.\d \| 0\.\d+ \| .* to .* \| better \|$/m,
    )
    assert.doesNotMatch(stdout, /extra/)
  })
})

describe('the goals', () => {
  test('what is measured is beside its goal, and says whether it is reached', () => {
    const verdict = (times) => {
      const rounds = { [OURS]: [{ codesPerSecond: 100 * times }], [REFERENCE]: [{ codesPerSecond: 100 }] }
      return goals(oneScene(rounds)).map(([what, , , , reached]) => [what, reached])
    }
    const what = 'codes per second against undici Pool'
    assert.deepEqual(verdict(1.8), [[what, 'missed']])
    assert.deepEqual(verdict(1.9), [[what, 'reached']])
    assert.deepEqual(verdict(2.3), [[what, 'aim reached']])
  })

  test('a whole run measures every goal', () => assert.equal(goals(wholeRun()).length, GOALS.length))

  test('a goal is measured by the median of the ratios of the rounds, not by the ratio of the medians', () => {
    const of = (...values) => values.map((cpuUs) => ({ codesPerSecond: 1, cpuUs }))
    const rows = goals(oneScene({ [OURS]: of(10, 40, 90), [REFERENCE]: of(20, 100, 50), [BARE]: of(30, 10, 20) }))
    const measured = Object.fromEntries(rows.map(([what, value]) => [what, value]))
    assert.equal(measured['CPU per code against undici Pool'], '0.50x')
    assert.equal(measured['CPU per code against the bare loop'], '4.00x')
  })

  test('beside a goal stands what the minimal addon reaches, if it took part', () => {
    const cpuUs = (value) => [{ codesPerSecond: 1, cpuUs: value }]
    const rows = goals(oneScene({ [OURS]: cpuUs(30), [BARE]: cpuUs(10), [MINIMAL]: cpuUs(20) }))
    assert.deepEqual(
      rows.map(([what, value, , , , floor]) => [what, value, floor]),
      [['CPU per code against the bare loop', '3.00x', '2.00x']],
    )
    const [[, , , , , absent]] = goals(oneScene({ [OURS]: cpuUs(30), [BARE]: cpuUs(10) }))
    assert.equal(absent, '')
  })

  test('the bare loop has as many threads as the addon: its source says how many', () => assert.ok(addonWorkers() >= 1))
})

describe('what a run writes', () => {
  test('the pages have words in both languages for everything, and no client that is for contributors', () => {
    for (const [file, written] of pages(wholeRun())) {
      assert.doesNotMatch(written, /undefined|NaN|\{\w+\}/, file)
      assert.deepEqual(mistakesIn(file, written, isChinese(file)), [])
      if (file.startsWith('docs/')) assert.doesNotMatch(written, /\| (?:bare|go|minimal addon) \|/, file)
    }
  })

  test('what npm run bench -- --write has written is current', () => {
    const results = JSON.parse(text('bench/results.json'))
    const fresh = 'npm run bench -- --from bench/results.json --write'
    for (const [file, wanted] of pages(results)) assert.equal(text(file), wanted, `${file}: ${fresh}`)
    for (const file of READMES) assert.equal(text(file), inReadme(text(file), results), `${file}: ${fresh}`)
  })

  test('the READMEs get the CPU per code over HTTPS and the date', () => {
    const results = wholeRun()
    const { rounds } = results.scenes.find(({ name }) => name === 'tls')
    for (const [client, cpuUs] of [
      ['fetch', 452.4],
      ['co-wechat-api', 120.6],
      [OURS, 49.9],
    ]) {
      rounds[client] = [{ cpuUs }]
    }
    const [en, zh] = READMES.map((file) => inReadme(text(file), results))
    assert.match(en, /^\| CPU per code.*\| 452 µs \| 121 µs \| not measured \| 50 µs \|$/m)
    assert.match(zh, /^\| 每张码的 CPU.*\| 452 µs \| 121 µs \| 未测 \| 50 µs \|$/m)
    assert.match(zh, /\[性能\]\(docs\/zh\/performance\.md\)：2026-01-02/)
  })

  test('every chart is shown on the page, and has a background of its own', () => {
    const drawn = readdirSync(join(ROOT, 'docs/performance')).sort()
    assert.deepEqual(
      drawn,
      charts(wholeRun())
        .map(({ file }) => file)
        .sort(),
    )
    for (const file of drawn) {
      assert.ok(text('docs/en/performance.md').includes(`](../performance/${file})`), file)
      assert.match(text(`docs/performance/${file}`), /<rect width="\d+" height="\d+" x="0" y="0"[^>]* fill="#ffffff"/)
    }
  })
})
