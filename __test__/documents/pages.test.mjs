import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, test } from 'node:test'
import { inChinese } from '../../bench/words.mjs'
import { documents as ofEndpoints } from '../../scripts/endpoints.mjs'
import { documents as ofErrcodes } from '../../scripts/errcodes.mjs'
import { mistakesIn } from '../../scripts/language.mjs'
import {
  anchorsOf,
  blocksOf,
  DOCUMENTS,
  exists,
  headingsOf,
  isChinese,
  linksOf,
  MARKDOWN,
  PAIRS,
  proseOf,
  ROOT,
  text,
  twinOf,
} from '../../scripts/pages.mjs'
import { inChinese as scenariosInChinese } from '../../scripts/scenario-words.mjs'
import { documents as ofTerms } from '../../scripts/terms.mjs'

const REPOSITORY =
  /^https:\/\/(?:github\.com\/wxacode\/wxacode\/(?:blob|tree|raw|edit)|raw\.githubusercontent\.com\/wxacode\/wxacode)\/main\/([^#]*)(?:#(.*))?$/
/** READMEs of packages are shown by npm too, where a relative link leads nowhere. */
const isOfAPackage = (file) => /^(?:cli|fake|scene|otel|image|examples)\/.*README/.test(file)

describe('documents', () => {
  test('there are documents in both languages', () => assert.ok(PAIRS.length >= 25, `${PAIRS.length} pairs`))

  for (const file of DOCUMENTS) {
    test(`${file} has a twin in the other language`, () =>
      assert.ok(exists(twinOf(file)), `there is no ${twinOf(file)}`))
  }

  for (const [en, zh] of PAIRS) {
    test(`${zh} has the headings of ${en}`, () => {
      const levels = (file) => headingsOf(file).map(({ level, title }) => ({ level, title }))
      const [theirs, ours] = [levels(en), levels(zh)]
      for (let n = 0; n < Math.max(theirs.length, ours.length); n++) {
        const [one, other] = [theirs[n], ours[n]].map((heading) =>
          heading ? `${'#'.repeat(heading.level)} ${heading.title}` : 'the end',
        )
        assert.equal(ours[n]?.level, theirs[n]?.level, `“${one}” of the English page is beside “${other}”`)
      }
    })

    test(`${zh} has the code of ${en}`, () => {
      const shape = (file) => blocksOf(file).map((block) => ({ language: block.language, code: codeOf(block) }))
      assert.deepEqual(shape(zh), shape(en))
    })

    test(`${zh} has the tables of ${en}`, () => {
      const rows = (file) => proseOf(file).match(/^\|/gm)?.length ?? 0
      assert.equal(rows(zh), rows(en))
    })
  }

  for (const readme of ['README.md', 'README.zh-CN.md']) {
    test(`${readme} is short`, () => {
      const { size } = statSync(join(ROOT, readme))
      assert.ok(size <= 9000, `${size} bytes, at most 9000`)
    })
  }

  for (const file of MARKDOWN) {
    test(`${file}: links lead to files and headings that exist`, () => {
      assert.deepEqual(
        linksOf(file).flatMap(({ link, line }) => wrongIn(file, link).map((why) => `${file}:${line}: ${why}`)),
        [],
      )
    })
    test(`${file} keeps to the language of the project`, () =>
      assert.deepEqual(mistakesIn(file, text(file), isChinese(file)), []))
  }

  test('index.md lists every page of its language', () => {
    for (const language of ['en', 'zh']) {
      const index = `docs/${language}/index.md`
      const listed = linksOf(index).map(({ link }) => posix.join(`docs/${language}`, link))
      const pages = DOCUMENTS.filter((file) => file.startsWith(`docs/${language}/`) && file !== index)
      assert.deepEqual(
        pages.filter((file) => !listed.includes(file)),
        [],
        index,
      )
    }
  })

  for (const [command, documents] of [
    ['docs:errcodes', ofErrcodes],
    ['docs:endpoints', ofEndpoints],
    ['docs:terms', ofTerms],
  ]) {
    test(`what npm run ${command} writes is current`, () => {
      for (const [file, wanted] of documents()) assert.equal(text(file), wanted, `${file}: npm run ${command}`)
    })
  }

  test('the Chinese table of faults is the English one', () => {
    const [en, zh] = ['en', 'zh'].map(
      (language) =>
        /<!-- scenarios -->\n(.*)\n<!-- \/scenarios -->/s.exec(text(`docs/${language}/reliability.md`))?.[1],
    )
    assert.equal(zh, scenariosInChinese(en).trimEnd())
  })

  test('the Chinese page of the measurements is the English one', () => {
    assert.equal(text('docs/zh/performance.md'), inChinese(text('docs/en/performance.md')))
  })
})

/** Code without its comments, and with the language of explanations left open; of a diagram and an output, the shape. */
function codeOf({ language, code }) {
  if (language === '' || language === 'mermaid') return { lines: code.split('\n').length }
  if (language === 'console') {
    const commands = code.split('\n').filter((line) => line.startsWith('$ '))
    return commands.map((line) => line.replace(/ --lang zh$/, '').replace(/\b[\da-f]{8}(?:-[\da-f]{8}){2}\b/, 'rid'))
  }
  if (language === 'dockerfile') return code.replace(/^#.*\n/gm, '')
  if (language === 'sh' || language === 'bash') return code.replace(/\s+#.*$/gm, '').trim()
  return code
    .replace(/^\s*\/\*\*?.*?\*\/\n/gms, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/\.(cause|fix)\.(en|zh)\b/g, '.$1')
    .trim()
}

/** What is wrong with a link, if anything is. */
function wrongIn(file, link) {
  const [, path, anchor] = REPOSITORY.exec(link) ?? []
  if (path !== undefined) return wrongAt(path, anchor)
  if (/^(?:https?:|mailto:)/.test(link)) return []
  if (link.startsWith('#')) return wrongAt(file, link.slice(1))
  if (isOfAPackage(file)) return [`${link} has to be absolute: https://github.com/wxacode/wxacode/blob/main/…`]
  const [relative, heading] = link.split('#')
  return wrongAt(posix.join(posix.dirname(file), relative), heading)
}

function wrongAt(path, anchor) {
  const file = decodeURIComponent(path).replace(/\/$/, '')
  if (!exists(file)) return [`there is no ${file}`]
  if (anchor === undefined) return []
  if (file.endsWith('.md'))
    return anchorsOf(file).includes(decodeURIComponent(anchor)) ? [] : [`${file} has no heading #${anchor}`]
  const [, line] = /^L(\d+)/.exec(anchor) ?? []
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').length
  return line && Number(line) <= lines ? [] : [`${file} has no #${anchor}`]
}
