// Writes the glossaries of the documents from docs/terms.json, by which scripts/language.mjs checks the documents.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../', import.meta.url)

const WORDS = {
  en: {
    title: 'Glossary',
    about:
      'The words of these documents, with what the Chinese pages call them. [Architecture](architecture.md#glossary) has the words of the source code. Generated from `docs/terms.json`.',
    heads: ['term', '中文', 'meaning'],
  },
  zh: {
    title: '术语',
    about: '文档用词，以及英文页面的说法。源码里的用词见[架构](architecture.md#术语表)。由 `docs/terms.json` 生成。',
    heads: ['用词', 'English', '含义'],
  },
}

/** @type {{ terms: { en: string, zh: string, meaning: { en: string, zh: string } }[] }} */
const { terms } = JSON.parse(readFileSync(new URL('docs/terms.json', ROOT), 'utf8'))

/**
 * The files as they have to be, by the path from the root of the project.
 *
 * @returns {Map<string, string>}
 */
export const documents = () =>
  new Map([
    ['docs/en/glossary.md', page('en', 'zh')],
    ['docs/zh/glossary.md', page('zh', 'en')],
  ])

/**
 * @param {'en' | 'zh'} language
 * @param {'en' | 'zh'} other
 */
function page(language, other) {
  const { title, about, heads } = WORDS[language]
  const rows = terms.map((term) => [term[language], term[other], term.meaning[language]])
  const table = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return `# ${title}\n\n${about}\n\n${table}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of documents()) writeFileSync(new URL(file, ROOT), text)
}
