import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { marksOf } from '../src/batch/sheet/cut-marks.js'
import { LABEL_PAPERS, labelPaperOf } from '../src/batch/sheet/label-papers.js'
import { gridFor, gridLayout, labelLayout } from '../src/batch/sheet/layout.js'
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

  test('of a label paper of Avery is in the middle of the paper, as these are cut', () => {
    for (const name of LABEL_PAPERS) {
      const { paper, left, top, width, height, ...labels } = labelLayout(labelPaperOf(name), A4, {})
      const right = paper.width - left - labels.columns * (width + labels.gapX) + labels.gapX
      const bottom = paper.height - top - labels.rows * (height + labels.gapY) + labels.gapY
      const off = [left - right, top - bottom].map(Math.abs)
      assert.ok(Math.max(...off) < 0.1, `${name}: ${off} mm`)
      assert.ok(labels.side >= 20, `${name}: codes of ${labels.side} mm`)
    }
    for (const name of ['l7160', 'avery-L7160', 'Avery 7160', 'constructor'])
      assert.equal(labelPaperOf(name) !== undefined, name.includes('l7160') || name.includes('L7160'), name)
  })

  test('of a label paper has the sizes of its package', () => {
    const sizes = (name) => {
      const { paper, columns, rows, width, height } = labelPaperOf(name)
      return [paper.width, columns, rows, ...[width, height].map((size) => Number(size.toFixed(1)))]
    }
    assert.deepEqual(sizes('L7160'), [210, 3, 7, 63.5, 38.1])
    assert.deepEqual(sizes('J8163'), [210, 2, 7, 99.1, 38.1])
    assert.deepEqual(sizes('8160'), [215.9, 3, 10, 66.7, 25.4])
    assert.deepEqual(sizes('22805'), [215.9, 4, 6, 38.1, 38.1])
  })

  test('of another label paper is described by its sizes', () => {
    const { left, top, width, height } = labelLayout(labelPaperOf('3x8/70x37'), A4, {})
    assert.deepEqual([left, top, width, height], [0, 0.5, 70, 37])
    const placed = labelLayout(labelPaperOf('5x7/35x35/7.5,11/5,4.9'), A4, {})
    assert.deepEqual([placed.left, placed.top, placed.gapX, placed.gapY], [7.5, 11, 5, 4.9])
    assert.equal(labelLayout(labelPaperOf('4x8/70x37'), A4, {}), undefined)
    assert.equal(labelLayout(labelPaperOf('3x8/70x37/5,0'), A4, {}), undefined)
    for (const bad of ['3x8', '0x8/70x37', '3x8/70x0', '3x8/70', '3x8/70x37/1', '3x8/70x37/1,1/1'])
      assert.equal(labelPaperOf(bad), undefined, bad)
  })

  test('outlines labels that do not touch, each by itself', () => {
    assert.equal(marksOf(labelLayout(labelPaperOf('L7160'), A4, {})).lines.match(/z/g).length, 21)
  })

  test('is refused before a request if it is impossible', async (t) => {
    for (const [args, message] of [
      [['--paper', 'a9'], /--paper.*a4.*100x150/],
      [['--code-mm', '0'], /--code-mm/],
      [['--code-mm', '400'], /--code-mm 400 does not fit: beside its label a cell has room for 188 mm/],
      [['--code-mm', '60', '--grid', '4x5'], /--code-mm 60 does not fit: .* room for 44 mm/],
      [['--offset', '1'], /--offset.*0\.5,-1/],
      [['--offset', '50,0'], /--offset/],
      [['--label-paper', 'L9999'], /--label-paper.*L7160.*3x8\/70x37/],
      [['--label-paper', 'L7160', '--grid', '3x7'], /cannot be used with/],
      [['--label-paper', 'L7160', '--paper', 'letter'], /L7160 has its own size, so --paper cannot be used/],
      [['--label-paper', '3x8/70x37', '--paper', 'a5'], /labels of --label-paper 3x8\/70x37 are larger than the paper/],
      [['--label-paper', 'L7160', '--start-label', '22'], /--start-label 22 is not on the sheet, which has 21 labels/],
      [['--label-paper', 'L7160', '--code-mm', '40'], /--code-mm 40 does not fit: .* room for 35\.1 mm/],
      [['--start-label', '2'], /--start-label needs --label-paper/],
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
    assert.match((await dryRun(t, ['--label-paper', '5x13/38.1x21.2'])).err, /^note: with --label-paper 5x13.* 1\d mm/)
    assert.equal((await dryRun(t, ['--code-mm', '20'])).err, '')
  })
})
