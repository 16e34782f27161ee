import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { marksOf } from '../src/batch/sheet/cut-marks.js'
import { gridFor, gridLayout } from '../src/batch/sheet/layout.js'
import { paperOf } from '../src/batch/sheet/papers.js'
import { setupCli, suite } from './helpers.mjs'

const A4 = paperOf('a4')

/** A dry run with these flags: nothing is requested. */
async function dryRun(t, args) {
  const { wxacode, file } = await setupCli(t)
  writeFileSync(file('list.csv'), 'scene\nid=1\n')
  return wxacode(['batch', 'list.csv', '--out', 'codes', '--dry-run', '--lang', 'en', ...args])
}

suite('the layout of a sheet', (test) => {
  test('has cells that end at the margins, on every paper', () => {
    for (const [name, margin, foot] of [
      ['a3', 10, 6],
      ['a4', 10, 6],
      ['a5', 7.4, 6],
      ['letter', 10, 6],
      ['60x40', 2, 0],
    ]) {
      const paper = paperOf(name)
      const { left, top, width, height, ...layout } = gridLayout(paper, '3x4')
      const ends = [left, paper.width - left - 3 * width, top, paper.height - top - 4 * height - foot]
      assert.deepEqual(
        ends.map((end) => Number(end.toFixed(6))),
        [margin, margin, margin, margin],
      )
      assert.deepEqual([layout.margin, layout.foot], [margin, foot])
    }
  })

  test('has pictures as large as the documents say', () => {
    const sides = ['3x4', '4x5', '5x7', '8x10'].map((grid) => Math.floor(gridLayout(A4, grid).side))
    assert.deepEqual(sides, [57, 44, 28, 20])
  })

  test('puts the label of a wide cell beside a picture of its full height', () => {
    const { beside, side, height, lines, captionWidth, width } = gridLayout(A4, '2x8')
    assert.deepEqual([beside, side], [true, height - 2])
    assert.ok(lines > 2 && side + captionWidth < width)
    assert.equal(gridLayout(A4, '3x4').beside, false)
  })

  test('holds as many codes of a size as a page has room for', () => {
    assert.equal(gridFor(A4, 30), '5x6')
    assert.equal(gridFor(A4, 400), undefined)
    for (const side of [20, 25, 30, 50, 80]) {
      const [columns, rows] = gridFor(A4, side).split('x').map(Number)
      assert.ok(gridLayout(A4, `${columns}x${rows}`).room >= side)
      for (const more of [`${columns + 1}x${rows}`, `${columns}x${rows + 1}`])
        assert.ok(gridLayout(A4, more).room < side, `${more} has room for ${side} mm too`)
    }
  })

  test('moves codes and marks by the offset of a printer', () => {
    const [there, moved] = [gridLayout(A4, '3x4'), gridLayout(A4, '3x4', { offset: { x: 0.5, y: -1 } })]
    assert.deepEqual([moved.left - there.left, moved.top - there.top], [0.5, -1])
    assert.equal(moved.side, there.side)
    assert.match(marksOf(moved).lines, /^M10\.5 9H200\.5/)
  })

  test('marks every border of a cell once, at all four edges of the paper', () => {
    const { edges, lines } = marksOf(gridLayout(A4, '3x4'))
    assert.equal(edges.match(/M/g).length, 2 * (4 + 5))
    assert.equal(lines.match(/M/g).length, 4 + 5)
    assert.match(edges, /M10 9\.5v-2\.5/)
  })

  test('knows papers by name and by size', () => {
    assert.deepEqual(paperOf('A5'), { width: 148, height: 210 })
    assert.deepEqual(paperOf('100x150'), { width: 100, height: 150 })
    for (const bad of ['a9', '10x10', '5000x10', '100', 'constructor', '']) assert.equal(paperOf(bad), undefined, bad)
  })

  test('is refused before a request if it is impossible', async (t) => {
    for (const [args, message] of [
      [['--paper', 'a9'], /--paper.*a4.*100x150/],
      [['--code-mm', '0'], /--code-mm/],
      [['--code-mm', '400'], /--code-mm 400 does not fit: beside its label a cell has room for 188 mm/],
      [['--code-mm', '60', '--grid', '4x5'], /--code-mm 60 does not fit: .* room for 44 mm/],
      [['--offset', '1'], /--offset.*0\.5,-1/],
      [['--offset', '50,0'], /--offset/],
      [['--cut-marks', 'dots'], /--cut-marks.*lines, edges, none/],
    ]) {
      const { code, err } = await dryRun(t, args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, message)
    }
  })

  test('warns of codes below 20 mm, by the flag that makes them so small', async (t) => {
    assert.match((await dryRun(t, ['--code-mm', '15'])).err, /^note: with --code-mm 15 a picture is 15 mm wide/)
    assert.match(
      (await dryRun(t, ['--paper', 'a5', '--grid', '5x7'])).err,
      /^note: with --grid 5x7 a picture is 1\d mm/,
    )
    assert.equal((await dryRun(t, ['--code-mm', '20'])).err, '')
  })
})
