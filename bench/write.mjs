// What `--write` writes: the figures, the page in both languages, its charts, the row of the READMEs, and bench/GOALS.md.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { bars } from './chart.mjs'
import { asJson } from './figures.mjs'
import { charts, inReadme } from './page.mjs'
import { pages } from './report.mjs'

const file = (path) => new URL(`../${path}`, import.meta.url)

export async function writeAll(results) {
  // First: with `--from` all the rest can be written again.
  await writeFile(file('bench/results.json'), `${asJson(results)}\n`)
  for (const [path, text] of pages(JSON.parse(asJson(results)))) await writeFile(file(path), text)
  await rm(file('docs/performance/'), { recursive: true, force: true })
  await mkdir(file('docs/performance/'), { recursive: true })
  for (const chart of charts(results)) await writeFile(file(`docs/performance/${chart.file}`), bars(chart.bars))
  for (const path of ['README.md', 'README.zh-CN.md']) {
    await writeFile(file(path), inReadme(await readFile(file(path), 'utf8'), results))
  }
}
