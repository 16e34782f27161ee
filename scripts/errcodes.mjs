// Writes what follows from the catalogue of errcodes: the pages of the documents, in both languages, by what `explain` says
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
const EVERYWHERE = { en: 'any endpoint', zh: '任意接口' }

const WORDS = {
  en: {
    about: `# Errcodes

What \`explain(errcode, endpoint)\` returns for each errcode, and WeChat's text (\`errmsg\`). An error names the page, the path and the
outgoing IP of its call. The scope is \`error.scope\`: \`account\`, \`configuration\`, \`ip\` and \`quota\` stop a batch. Notes are on this page only.
Generated from \`src/wechat/errcodes.json\`.`,
    contents: '## By endpoint',
    all: '## All errcodes',
    rows: ['Why', 'What to do', 'Note'],
    colon: ': ',
    comma: ', ',
  },
  zh: {
    about: `# 错误码

\`explain(errcode, endpoint)\` 对每个 errcode 的解释，以及微信返回的 \`errmsg\`。错误信息里会写出该次调用的 page、path 和出口 IP。scope 即 \`error.scope\`，其中 \`account\`、\`configuration\`、\`ip\`、\`quota\` 会使 batch 停止。备注只在本页。由 \`src/wechat/errcodes.json\` 生成。`,
    contents: '## 按接口查找',
    all: '## 全部 errcode',
    rows: ['原因', '处理', '备注'],
    colon: '：',
    comma: '、',
  },
}

/** @type {{ errcode: number, errmsg_example: string, where: string[], note_zh?: string, note_en?: string }[]} */
const known = JSON.parse(readFileSync(new URL('src/wechat/errcodes.json', ROOT), 'utf8'))

/**
 * The files as they have to be, by the path from the root of the project.
 *
 * @returns {Map<string, string>}
 */
export function documents() {
  return new Map([
    ['docs/en/errcodes.md', page('en')],
    ['docs/zh/errcodes.md', page('zh')],
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

/** @param {'en' | 'zh'} language */
function page(language) {
  const { about, contents, all, colon } = WORDS[language]
  const errcodes = [...new Set(known.map(({ errcode }) => errcode))].sort((a, b) => a - b)
  const endpoints = [...new Set(known.flatMap(({ where }) => where))]
  const lists = endpoints.map((endpoint) => {
    const links = errcodes
      .filter((errcode) => known.some((row) => row.errcode === errcode && row.where.includes(endpoint)))
      .map((errcode) => `[${errcode}](#${errcode})`)
    return `- ${shown(endpoint, language)}${colon}${links.join(' ')}`
  })
  const sections = errcodes.map((errcode) => {
    const rows = known.filter((row) => row.errcode === errcode)
    return `### ${errcode}\n\n${rows.map((row) => entry(row, language)).join('\n\n')}`
  })
  return `${[about, contents, lists.join('\n'), all, ...sections].join('\n\n')}\n`
}

/**
 * @param {typeof known[number]} row
 * @param {'en' | 'zh'} language
 */
function entry({ errcode, errmsg_example: errmsg, where, ...notes }, language) {
  const { rows, colon, comma } = WORDS[language]
  const explanation = explain(errcode, where[0] === 'any' ? undefined : nameOf(where[0]))
  const said = [explanation?.cause[language], explanation?.fix[language], notes[`note_${language}`]]
  return [
    `${where.map((endpoint) => shown(endpoint, language)).join(comma)} · scope \`${explanation?.scope}\``,
    '',
    ...(isText(errmsg) ? [`- errmsg${colon}\`${withoutRid(errmsg)}\``] : []),
    ...rows.flatMap((name, n) => (said[n] ? [`- ${name}${colon}${said[n]}`] : [])),
  ].join('\n')
}

/** Whether the text is known. @param {string} errmsg */
const isText = (errmsg) => !errmsg.startsWith('…') && !errmsg.startsWith('[unconfirmed')

/** What differs from call to call: `rid`, and the hint that older texts have. @param {string} errmsg */
const withoutRid = (errmsg) => errmsg.replace(/,? (?:rid|hints?): .*$/, '')

/** @param {string} endpoint @param {'en' | 'zh'} language */
const shown = (endpoint, language) => (endpoint === 'any' ? EVERYWHERE[language] : `\`${nameOf(endpoint)}\``)

/** @param {string} endpoint */
const nameOf = (endpoint) => (endpoint in METHODS ? METHODS[/** @type {keyof typeof METHODS} */ (endpoint)] : endpoint)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of documents()) writeFileSync(new URL(file, ROOT), text)
}
