import { InvalidArgumentError } from 'commander'
import { WxaCode } from 'wxacode'
import { formatOf } from '../batch/list.js'
import { refuseBadPattern } from '../batch/names.js'
import { createPlanList } from '../batch/plan-list.js'
import { runBatch } from '../batch/run.js'
import { addSheetFlags, browserOf, lookOf } from '../batch/sheet/options.js'
import { clientOptions } from '../client.js'
import { addClientFlags, addOptions, number } from '../flags.js'
import { PARAMS_BY_KIND } from '../params.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Format } from '../batch/list.js' */
/** @import { SheetFlags } from '../batch/sheet/options.js' */
/** @import { ClientFlags } from '../flags.js' */
/** @import { Io } from '../io.js' */
/** @import { Kind } from '../params.js' */

/**
 * @typedef {ClientFlags & Omit<import('../batch/run.js').RunOptions, 'key' | 'look'> & SheetFlags & {
 *   kind: Kind, name?: string, label?: string, encoding?: string, delimiter?: string, dryRun?: boolean,
 * }} BatchFlags
 */

const EXAMPLES = [
  'wxacode batch shops.csv --out codes/',
  'wxacode batch shops.csv --out codes/ --name "{city}/{id}" --label "{shop} {id}" --grid 4x5',
  'wxacode batch shops.csv --out codes/ --dry-run',
  'wxacode batch codes/report.csv --out codes/',
]

/**
 * `wxacode batch`: a list of codes into a folder.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addBatch(program, io) {
  const { say } = io
  const command = program
    .command('batch')
    .description(
      say({ zh: '按列表批量生成，中断后可继续', en: 'write a list of codes to a folder; continues where it stopped' }),
    )
    .argument(
      '<list>',
      say({
        zh: '.csv、.tsv、.txt 或 .jsonl，列名即参数名',
        en: '.csv, .tsv, .txt or .jsonl, columns named like parameters',
      }),
    )
    .addHelpText('after', examples(EXAMPLES, io))
    .action(run(io, (flags, list) => batch(list, flags, io)))
  addBatchFlags(command, io)
  addSheetFlags(command, io)
  addClientFlags(command, io)
}

/**
 * @param {Command} command
 * @param {Io} io
 */
function addBatchFlags(command, { say }) {
  addOptions(command, say, (option) => {
    option('--out <folder>', {
      zh: '存放图片、report.csv 与 index.html',
      en: 'for pictures, report.csv and index.html',
    }).makeOptionMandatory()
    option('--kind <kind>', { zh: '没有 kind 列的行', en: 'of rows without a column kind' })
      .choices(Object.keys(PARAMS_BY_KIND))
      .default('unlimited')
    option('--name <pattern>', {
      zh: '文件名，如 "{city}/{scene}" 或 "{row}"（默认 name 列，其次 scene、path）',
      en: 'of files, like "{city}/{scene}" or "{row}" (default: the column name, else scene or path)',
    })
    option('--encoding <name>', {
      zh: '列表的编码，如 gb18030（默认自动判断）',
      en: 'of the list, like gb18030 (default: detected)',
    })
    option('--delimiter <character>', {
      zh: '列表的分隔符，一个字符或 tab（默认自动判断）',
      en: 'between the cells of the list, a character or tab (default: detected)',
    }).argParser(delimiterOf(say))
    option('--concurrency <n>', { zh: '同时的请求数（默认 16）', en: 'requests at once (default: 16)' }).argParser(
      number(say, /^\d+$/),
    )
    option('--rate <n>', {
      zh: '每分钟 unlimited 请求数（默认 5000，微信的上限）',
      en: 'unlimited codes a minute (default: 5000, which is what WeChat allows)',
    }).argParser(number(say, /^(\d+|Infinity)$/))
    option('--force', {
      zh: '照原样使用像是损坏的单元格，如 #N/A、undefined、1.2E+17',
      en: 'use cells that look damaged as they are, like #N/A, undefined and 1.2E+17',
    })
    option('--dry-run', { zh: '只检查列表，不发请求', en: 'check the list without sending a request' })
  })
}

/**
 * @param {string} list
 * @param {BatchFlags} flags
 * @param {Io} io
 */
async function batch(list, flags, io) {
  if (flags.name !== undefined) refuseBadPattern(flags.name)
  const [look, chromium] = [lookOf(flags, io), browserOf(flags, io)]
  const format = await formatOf(list, flags)
  tellFormat(list, format, io)
  const options = flags.dryRun ? undefined : await clientOptions(flags, io)
  const wxa = options && new WxaCode(options)
  // A picture of the fake is no answer to the same question at WeChat's.
  const account = JSON.stringify([options?.appid, options?.baseUrl])
  const plans = createPlanList({ ...flags, list, format, account, signal: io.signal })
  return runBatch(plans, wxa, { ...flags, look, chromium, key: `wxacode journal ${options?.secret ?? ''}` }, io)
}

/**
 * What was found by looking is told where it is not the usual: it may be wrong.
 *
 * @param {string} list
 * @param {Format} format
 * @param {Io} io
 */
function tellFormat(list, { encoding, delimiter }, io) {
  if (encoding === 'utf-8' && [undefined, ',', '\t'].includes(delimiter)) return
  const between = delimiter === '\t' ? 'tab' : delimiter
  io.note({
    zh: `${list}：编码 ${encoding}${between ? `，分隔符 ${between}` : ''}`,
    en: `${list}: ${encoding}${between ? `, delimiter ${between}` : ''}`,
  })
}

/**
 * @param {Io['say']} say
 * @returns {(text: string) => string}
 */
const delimiterOf = (say) => (text) => {
  if (/^(tab|\\t)$/i.test(text)) return '\t'
  if ([...text].length === 1 && !/["\r\n\p{L}\p{N}]/u.test(text)) return text
  throw new InvalidArgumentError(say({ zh: '应为一个字符，如 ";"，或 tab', en: 'Use one character, like ";", or tab' }))
}
