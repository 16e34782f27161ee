// Writes what follows from src/wechat/endpoints.json, what each endpoint of WeChat is and takes: the table that JavaScript
// and Rust read, the flags of the command line, the tables of the documents, and the parameters in lib/types.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../', import.meta.url)
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8')
/**
 * @typedef {object} Param
 * @property {string} name
 * @property {string} [wire]
 * @property {string} type
 * @property {unknown} [default]
 * @property {string[]} [values]
 * @property {number} [required]
 * @property {string} [ts] its type in TypeScript, where `type` does not say it
 * @property {any} [fields]
 * @property {string} [source] a page that tells of this parameter alone
 * @property {string} zh
 * @property {string} en
 * @property {{ value?: string, zh?: string, en?: string }} [flag] of the command line
 * @property {string} [of] the group that a whole interface has, of which this is one
 */

/**
 * @typedef {object} Endpoint
 * @property {string} name
 * @property {string} [kind]
 * @property {string} path
 * @property {string} method
 * @property {string} source
 * @property {{ zh: string, en: string }} [quota]
 * @property {Param[]} [params]
 */

/** @type {{ groups: Record<string, any[]>, endpoints: any[] }} */
const { groups, endpoints } = JSON.parse(read('src/wechat/endpoints.json'))

/** For people, and not for the programs that read the table. */
const FOR_PEOPLE = ['zh', 'en', 'flag', 'ts', 'quota', 'source']

/**
 * The parameters of a list, with those of the groups that it names: `{ use: 'Style' }`, `{ use: 'Style.width' }`.
 *
 * @param {any[]} [list]
 * @returns {Param[]}
 */
function resolved(list = []) {
  return list.flatMap(({ use, with: changes = {}, ...own }) => {
    if (use === undefined) return [{ ...own, fields: fieldsOf(own) }]
    const [group, name] = use.split('.')
    const used = groups[group].filter((param) => name === undefined || param.name === name)
    if (used.length === 0) throw new Error(`no parameter is called ${use}`)
    return used.map((param) => ({
      ...param,
      fields: fieldsOf(param),
      ...changes[param.name],
      of: name ? undefined : group,
    }))
  })
}

/** @param {{ fields?: any }} param @returns {Param[] | undefined} */
const fieldsOf = ({ fields }) => (typeof fields === 'string' ? resolved(groups[fields]) : fields && resolved(fields))

/** @type {Endpoint[]} */
const known = endpoints.map((endpoint) => ({ ...endpoint, params: endpoint.params && resolved(endpoint.params) }))

/**
 * The files as they have to be, by the path from the root of the project.
 *
 * @returns {Map<string, string>}
 */
export function documents() {
  return new Map([
    ['lib/endpoints.json', table()],
    ['cli/src/endpoints.js', forTheCommandLine()],
    ['docs/en/parameters.md', tables('en')],
    ['docs/zh/parameters.md', tables('zh')],
    ['lib/types/apis.d.ts', types(read('lib/types/apis.d.ts'))],
    ['lib/types/codes.d.ts', types(read('lib/types/codes.d.ts'))],
  ])
}

/** A line for each parameter. */
function table() {
  const rows = known.map(({ params, ...endpoint }) => {
    const lines = params?.map((param) => `  ${JSON.stringify(forPrograms(param))}`) ?? []
    const open = JSON.stringify(forPrograms(endpoint)).slice(0, -1)
    return params ? ` ${open},"params":[\n${lines.join(',\n')}\n ]}` : ` ${open}}`
  })
  return `{"endpoints":[\n${rows.join(',\n')}\n]}\n`
}

/**
 * @param {Record<string, any>} row
 * @returns {Record<string, any>}
 */
function forPrograms({ of, fields, ...row }) {
  const kept = Object.entries(row).filter(([key]) => !FOR_PEOPLE.includes(key))
  return { ...Object.fromEntries(kept), ...(fields && { fields: fields.map(forPrograms) }) }
}

/** @param {string} name */
const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
/** @param {{ type: string, default?: unknown }} param */
const isOn = ({ type, default: value }) => type === 'boolean' && value === true

/** The parameters of each kind of code with their flags, a line for each. */
function forTheCommandLine() {
  const kinds = known.filter(({ kind }) => kind !== undefined)
  const lists = kinds.map(({ kind, params }) => {
    const lines = (params ?? []).map(({ name, wire, type, zh, en, default: value, flag = {} }) => {
      const words = `--${isOn({ type, default: value }) ? 'no-' : ''}${dashed(name)}`
      const text = { zh: flag.zh ?? zh, en: flag.en ?? en }
      return JSON.stringify({ name, wire, type, flags: flag.value ? `${words} <${flag.value}>` : words, text })
    })
    return `  ${kind}: [\n    ${lines.join(',\n    ')},\n  ],\n`
  })
  return `// Written by \`npm run docs:endpoints\`.

/** @typedef {{ name: string, wire?: string, type: string, flags: string, text: { zh: string, en: string } }} CodeParam */

/** What each kind of code takes. */
export const CODE_PARAMS = {
${lists.join('')}}

/** WeChat's paths of the endpoints that make codes. */
export const CODE_PATHS = ${JSON.stringify(kinds.map(({ path }) => path))}

/** What errors call the endpoints that wxacode knows. */
export const ENDPOINTS = ${JSON.stringify(known.map(({ name }) => name))}
`
}

const WORDS = {
  en: {
    title: 'Parameters',
    about: 'The parameters of each call and their defaults. Generated from `src/wechat/endpoints.json`.',
    heads: ['parameter', "WeChat's name", 'type', 'required', 'default', ''],
    yes: 'yes',
    quota: 'Limit',
    link: 'source',
  },
  zh: {
    title: '参数',
    about: '每个接口的参数，以及不传时微信采用的值。由 `src/wechat/endpoints.json` 生成。',
    heads: ['参数', '微信的参数名', '类型', '必传', '默认值', '说明'],
    yes: '是',
    quota: '数量',
    link: '来源',
  },
}

/** @param {'en' | 'zh'} language */
function tables(language) {
  const { title, about, heads, yes, quota, link } = WORDS[language]
  const sections = known
    .filter(({ params }) => params)
    .map(({ name, method, path, source, quota: many, params = [] }) => {
      const rows = params
        .flatMap((param) => [param, ...nested(param)])
        .map((param) => [
          `\`${param.name}\``,
          param.wire ? `\`${param.wire}\`` : '',
          `\`${param.type === 'enum' ? typeOf({ ...param, ts: undefined }) : typeOf(param)}\``,
          param.required === undefined ? '' : yes,
          param.default === undefined ? '' : `\`${literal(param.default)}\``,
          [param[language], param.source && `[${link}](${param.source})`].filter(Boolean).join(' '),
        ])
      const of = `[\`${method} ${path}\`](${source})${many ? `. ${quota}: ${many[language]}.` : '.'}`
      const text = language === 'zh' ? of.replace(/\. (数量): (.*)\.$/, '。$1：$2。').replace(/\.$/, '。') : of
      return [`## ${name}`, text, [heads, heads.map(() => '---'), ...rows].map(row).join('\n')].join('\n\n')
    })
  return `# ${title}\n\n${about}\n\n${sections.join('\n\n')}\n`
}

/**
 * The fields of an object.
 *
 * @param {Param} param
 * @returns {Param[]}
 */
const nested = ({ name, type, fields = [] }) =>
  type === 'object' ? fields.map((/** @type {Param} */ field) => ({ ...field, name: `${name}.${field.name}` })) : []

/** @param {unknown[]} cells */
const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`

/** @param {any} value @returns {string} */
const literal = (value) =>
  typeof value === 'string'
    ? `'${value}'`
    : typeof value === 'object'
      ? `{ ${Object.entries(value)
          .map(([key, part]) => `${key}: ${part}`)
          .join(', ')} }`
      : String(value)

/** @type {Record<string, string>} */
const TYPES = { string: 'string', boolean: 'boolean', integer: 'number', number: 'number', time: 'Date' }

/** @param {Pick<Param, 'type' | 'values' | 'ts'>} param */
const typeOf = ({ type, values, ts }) => ts ?? (type === 'enum' ? values?.map(literal).join(' | ') : TYPES[type])

/**
 * The parameters between markers: `// <params getQRCode>` has those of the endpoint without groups that its interface
 * extends, `// <params Style>` those of a group.
 *
 * @param {string} text
 */
function types(text) {
  return text.replace(
    /(^ *\/\/ <params (\w+)>\n)[\s\S]*?(^ *\/\/ <\/params>$)/gm,
    (/** @type {string} */ _all, open, name, close) => {
      const params = groups[name] ? resolved(groups[name]) : (known.find((one) => one.name === name)?.params ?? [])
      const own = params.filter(({ of }) => of === undefined)
      return `${open}${own.map(member).join('')}${close}`
    },
  )
}

/** @param {Param} param */
function member(param) {
  const { name, default: value, wire, required, source } = param
  const en = source ? `${param.en} {@link ${source}}` : param.en
  const byDefault = value === undefined ? undefined : `@defaultValue ${shown(value)}${wire ? ', by WeChat' : ''}`
  const comment =
    byDefault === undefined && en.length < 108
      ? `  /** ${en} */\n`
      : `  /**\n${[...wrapped(en), ...(byDefault ? ['', byDefault] : [])].map((line) => `   *${line && ` ${line}`}\n`).join('')}   */\n`
  return `${comment}  ${name}${required === undefined ? '?' : ''}: ${typeOf(param)}\n`
}

/** @param {unknown} value */
const shown = (value) => (['string', 'object'].includes(typeof value) ? `\`${literal(value)}\`` : String(value))

/** @param {string} text lines of at most 120 characters, code kept whole */
function wrapped(text) {
  const lines = ['']
  for (const word of text.match(/(?:`[^`]*`|\{@link [^}]*\}|\S)+/g) ?? []) {
    const line = lines[lines.length - 1]
    if (line && line.length + word.length > 113) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of documents()) writeFileSync(new URL(file, ROOT), text)
}
