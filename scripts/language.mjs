// The language of the documents: words that have a better one (docs/terms.json), spaces and punctuation of Chinese text
// (autocorrect), and one line for each Chinese paragraph. `node scripts/language.mjs [--fix] [file...]`

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { formatFor, lintFor } from 'autocorrect-node'

const ROOT = new URL('../', import.meta.url)

/** @type {{ terms: { en: string, zh: string, not?: { en?: string[], zh?: string[] } }[], words: { en: Record<string, string>, zh: Record<string, string> } }} */
const { terms, words } = JSON.parse(readFileSync(new URL('docs/terms.json', ROOT), 'utf8'))

/** @type {{ language: 'en' | 'zh', pattern: RegExp, instead: string }[]} */
const BANNED = [
  ...terms.flatMap(({ en, zh, not = {} }) => [
    ...(not.en ?? []).map((word) => banned('en', word, en)),
    ...(not.zh ?? []).map((word) => banned('zh', word, zh)),
  ]),
  ...Object.entries(words.en).map(([word, instead]) => banned('en', word, instead)),
  ...Object.entries(words.zh).map(([word, instead]) => banned('zh', word, instead)),
]

/** @param {'en' | 'zh'} language @param {string} word @param {string} instead */
function banned(language, word, instead) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return /** @type {const} */ ({
    language,
    pattern: new RegExp(language === 'en' ? `\\b${escaped}\\b` : escaped, 'giu'),
    instead,
  })
}

/** Code, addresses of links and front matter are no prose; a line stays a line and a column a column. @param {string} text */
const prose = (text) =>
  text
    .replace(/^---\n.*?^---$/ms, blank)
    .replace(/^ *```.*?^ *```$/gms, blank)
    .replace(/<!--.*?-->/gs, blank)
    .replace(/`[^`\n]*`/g, (code) => `\`${'0'.repeat(code.length - 2)}\``)
    .replace(/\]\([^)\n]*\)/g, (link) => `](${'0'.repeat(link.length - 3)})`)

/** @param {string} part */
const blank = (part) => part.replace(/[^\n]/g, '')

/**
 * One line for each mistake: `file:line: message`.
 *
 * @param {string} file
 * @param {string} text
 * @param {boolean} chinese
 */
export function mistakesIn(file, text, chinese) {
  const lines = prose(text).split('\n')
  const found = lines.flatMap((line, n) =>
    BANNED.filter(({ language }) => language === (chinese ? 'zh' : 'en')).flatMap(({ pattern, instead }) =>
      [...line.matchAll(pattern)].map(([word]) => `${file}:${n + 1}: “${word}”: ${instead}`),
    ),
  )
  return chinese ? [...found, ...brokenIn(file, lines), ...spacesIn(file, text)] : found
}

const HAN = /[\p{Script=Han}，。；：、！？（）“”…—]/u

/** A line break in a paragraph, a list item or a cell: browsers make a space of it. @param {string} file @param {string[]} lines */
function brokenIn(file, lines) {
  return lines.flatMap((line, n) => {
    const [end, begin] = [line.trimEnd().at(-1) ?? '', (lines[n + 1] ?? '').trimStart()]
    const goesOn = begin !== '' && !/^(?:[-*>|#]|\d+\. |<|!\[)/.test(begin) && !/^(?:[#|<]|!\[)/.test(line)
    return goesOn && HAN.test(end) && HAN.test(begin[0] === '`' ? '，' : begin[0])
      ? [`${file}:${n + 1}: a line break within a Chinese paragraph`]
      : []
  })
}

/** @param {string} file @param {string} text */
function spacesIn(file, text) {
  return correctable(text).map(({ l, new: better, old }) => `${file}:${l}: ${old.trim()} → ${better.trim()}`)
}

/** @param {string} text @returns {{ l: number, new: string, old: string }[]} */
const correctable = (text) => lintFor(text.replace(/^ *```.*?^ *```$/gms, blank), 'md').lines

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2)
  const named = args.filter((arg) => !arg.startsWith('--'))
  const list = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' })
  const files =
    named.length > 0
      ? named
      : list
          .trim()
          .split('\n')
          .filter((file) => file !== 'docs/index.md')
  for (const file of files) {
    const chinese = /^docs\/zh\/|\.zh-CN\.md$/.test(file)
    const url = new URL(file, ROOT)
    if (chinese && args.includes('--fix')) {
      const parts = readFileSync(url, 'utf8').split(/(^ *```.*?^ *```$)/ms)
      writeFileSync(url, parts.map((part, n) => (n % 2 === 1 ? part : formatFor(part, 'md'))).join(''))
    }
    for (const mistake of mistakesIn(file, readFileSync(url, 'utf8'), chinese)) {
      console.error(mistake)
      process.exitCode = 1
    }
  }
}
