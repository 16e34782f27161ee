import { extname } from 'node:path'
import { imageType } from 'wxacode'
import { openClient } from '../client.js'
import { UsageError } from '../errors.js'
import { writeWhole } from '../files.js'
import { addClientFlags, addParamFlags, paramsFromFlags } from '../flags.js'
import { PARAMS_BY_KIND } from '../params.js'
import { previewOf } from '../preview.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { WxaCode } from 'wxacode' */
/** @import { ImageType } from '../files.js' */
/** @import { Io } from '../io.js' */
/** @import { Text } from '../language.js' */
/** @import { Kind } from '../params.js' */

/** @type {Record<Kind, { about: Text, examples: string[], ask: (wxa: WxaCode, params: any, call: { signal: AbortSignal }) => Promise<Buffer> }>} */
const CODES = {
  unlimited: {
    about: {
      zh: '带 scene 的小程序码，数量不限（getUnlimitedQRCode）',
      en: 'a code with a scene, in any number (getUnlimitedQRCode)',
    },
    examples: [
      'wxacode unlimited --scene id=42 --page pages/index/index -o code.jpg',
      'wxacode unlimited --scene id=42 --is-hyaline -o - | lp',
      'wxacode unlimited --scene id=42 --show',
    ],
    ask: (wxa, params, call) => wxa.getUnlimitedQRCode(params, call),
  },
  limited: {
    about: {
      zh: '带路径的小程序码，与 qrcode 共用累计 10 万个的额度（getQRCode）',
      en: 'a code with a path; 100,000 in total, together with qrcode (getQRCode)',
    },
    examples: ['wxacode limited --path "pages/index/index?id=42" -o code.jpg'],
    ask: (wxa, params, call) => wxa.getQRCode(params, call),
  },
  qrcode: {
    about: {
      zh: '带路径的方形二维码，与 limited 共用累计 10 万个的额度（createQRCode）',
      en: 'a square QR code with a path; 100,000 in total, together with limited (createQRCode)',
    },
    examples: ['wxacode qrcode --path "pages/index/index?id=42" --width 600 -o code.jpg'],
    ask: (wxa, params, call) => wxa.createQRCode(params, call),
  },
}

/**
 * The command of a kind. Throws for a kind of cli/src/endpoints.js without a command here.
 *
 * @param {string} kind
 */
export function commandOf(kind) {
  if (!Object.hasOwn(CODES, kind)) throw new Error(`cli/src/commands/codes.js has no command for the kind ${kind}`)
  return CODES[/** @type {Kind} */ (kind)]
}

/**
 * `wxacode unlimited`, `wxacode limited`, `wxacode qrcode`: one code into a file, a pipe or the terminal.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addCodes(program, io) {
  const { say } = io
  for (const kind of /** @type {Kind[]} */ (Object.keys(PARAMS_BY_KIND))) {
    const { about, examples: shown } = commandOf(kind)
    const command = program.command(kind).description(say(about)).addHelpText('after', examples(shown, io))
    command
      .option(
        '-o, --output <file>',
        say({ zh: '写入的文件，- 为标准输出', en: 'the file to write, - for the standard output' }),
      )
      .option('--show', say({ zh: '在终端里预览', en: 'show it in the terminal' }))
    addParamFlags(command, PARAMS_BY_KIND[kind], io)
    addClientFlags(command, io)
    command.action(run(io, (flags) => oneCode(kind, flags, io)))
  }
}

/**
 * @param {Kind} kind
 * @param {Record<string, any>} flags
 * @param {Io} io
 */
async function oneCode(kind, flags, io) {
  requireOutput(flags, io)
  const wxa = await openClient(flags, io)
  const image = await commandOf(kind).ask(wxa, paramsFromFlags(PARAMS_BY_KIND[kind], flags), { signal: io.signal })
  const type = /** @type {ImageType} */ (imageType(image))
  const file = writeOutput(image, type, flags.output, io)
  if (flags.show) (io.json ? io.errorOutput : io.output).print(previewOf(image, io))
  const size = `${type}, ${(image.length / 1024).toFixed(1)} KB`
  const text = file === undefined ? '' : `${io.colors.green('✓')} ${file} (${size})`
  return { json: { ok: true, file, type, bytes: image.length }, text }
}

/**
 * Throws if there is no output for the picture, before a request that may count for ever.
 *
 * @param {{ output?: string, show?: boolean }} flags
 * @param {Io} io
 */
function requireOutput({ output, show }, io) {
  if (output === undefined && !show) {
    throw new UsageError(
      { zh: '没有说明图片放在哪里', en: 'no output for the picture is given' },
      { zh: '使用 -o code.jpg、-o -（管道）或 --show', en: 'Use -o code.jpg, -o - for a pipe, or --show' },
    )
  }
  if (output === '-' && io.picture.isTerminal) {
    throw new UsageError(
      { zh: '标准输出是终端，图片会变成乱码', en: 'the standard output is a terminal, which cannot show binary data' },
      {
        zh: '接上管道、写入文件（-o code.jpg），或用 --show 预览',
        en: 'Pipe it, write a file (-o code.jpg), or use --show',
      },
    )
  }
}

/**
 * @param {Buffer} image
 * @param {ImageType} type
 * @param {string | undefined} output
 * @param {Io} io
 * @returns {string | undefined} the file, if there is one
 */
function writeOutput(image, type, output, io) {
  if (output === undefined) return undefined
  if (output === '-') {
    io.picture.bytes(image)
    return undefined
  }
  writeWhole(output, image)
  if (TYPES[extname(output).toLowerCase()] === other(type)) io.note(misnamed(output, type))
  return output
}

/** @type {Record<string, ImageType>} */
const TYPES = { '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png' }

/** @param {ImageType} type */
const other = (type) => (type === 'image/png' ? 'image/jpeg' : 'image/png')

/**
 * The name is the one that was asked for; most programs look into the file, and some do not.
 *
 * @param {string} file
 * @param {ImageType} type
 * @returns {Text}
 */
const misnamed = (file, type) =>
  type === 'image/png'
    ? {
        zh: `注意：${file} 里是 PNG：带 --is-hyaline 时微信返回 PNG，建议命名为 .png`,
        en: `note: ${file} is a PNG, which WeChat returns with --is-hyaline: rename it to .png`,
      }
    : {
        zh: `注意：${file} 里是 JPEG：只有带 --is-hyaline 时微信才返回 PNG，建议命名为 .jpg`,
        en: `note: ${file} is a JPEG, because WeChat returns a PNG only with --is-hyaline: rename it to .jpg`,
      }
