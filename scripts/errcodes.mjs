// Writes what follows from the catalogue of errcodes: the tables in the documents, in both languages, by what `explain` says
// of each, and where the fake WeChat may answer which.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { explain } from 'wxacode'

const ROOT = new URL('../', import.meta.url)
/** WeChat's endpoints by the name of the method that asks them. */
const METHODS = {
  getwxacodeunlimit: 'getUnlimitedQRCode',
  getwxacode: 'getQRCode',
  createwxaqrcode: 'createQRCode',
  stable_token: 'stable_token',
  token: 'token',
}
/** What each language calls the columns. */
const HEADS = {
  en: ['errcode', 'of', 'scope', 'why', 'what to do', 'note'],
  zh: ['errcode', '接口', 'scope', '原因', '处理', '备注'],
}
const EVERYWHERE = { en: 'any', zh: '任意' }

/** What each language says above its table. */
const INTROS = {
  en: `# Errcodes

What \`explain(errcode, endpoint)\` returns for each. \`page\`, \`path\` and \`the outgoing IP\` are named in an error. The scope is \`error.scope\`: \`account\`,
\`configuration\`, \`ip\` and \`quota\` stop a batch. Notes are in this table only.
`,
  zh: `# 错误码

\`explain(errcode, endpoint)\` 对每个错误码的解释；错误里会写出具体的 page、path 和出口 IP。scope 即 \`error.scope\`，其中 \`account\`、\`configuration\`、\`ip\`、\`quota\`
会使 batch 停止。备注只在这张表里。
`,
}

/** @type {{ errcode: number, where: string[], note_zh?: string, note_en?: string }[]} */
const known = JSON.parse(readFileSync(new URL('src/wechat/errcodes.json', ROOT), 'utf8'))

/**
 * The files as they have to be, by the path from the root of the project.
 *
 * @returns {Map<string, string>}
 */
export function documents() {
  return new Map([
    ['docs/errcodes.md', `${INTROS.en}\n${table(known, 'en')}\n`],
    ['docs/errcodes.zh-CN.md', `${INTROS.zh}\n${table(known, 'zh')}\n`],
    ['fake/src/errcode-places.json', places()],
  ])
}

/** The endpoints of each errcode, a line for each. */
function places() {
  const errcodes = [...new Set(known.map(({ errcode }) => errcode))]
  const lines = errcodes.map((errcode) => {
    const names = known.filter((row) => row.errcode === errcode).flatMap(({ where }) => where)
    return `  "${errcode}": ${JSON.stringify([...new Set(names)]).replaceAll(',', ', ')}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}

/**
 * @param {typeof known} entries
 * @param {'en' | 'zh'} language
 */
function table(entries, language) {
  const rows = entries.map(({ errcode, where, ...notes }) => {
    const explanation = explain(errcode, where[0] === 'any' ? undefined : nameOf(where[0]))
    const names = where.map((endpoint) => (endpoint === 'any' ? EVERYWHERE[language] : nameOf(endpoint)))
    const said = [explanation?.scope, explanation?.cause[language], explanation?.fix[language]]
    return [errcode, names.join(', '), ...said, notes[`note_${language}`] ?? '']
  })
  return [HEADS[language], HEADS[language].map(() => '---'), ...rows].map(row).join('\n')
}

/** @param {string} endpoint */
const nameOf = (endpoint) => (endpoint in METHODS ? METHODS[/** @type {keyof typeof METHODS} */ (endpoint)] : endpoint)

/** @param {unknown[]} cells */
const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of documents()) writeFileSync(new URL(file, ROOT), text)
}
