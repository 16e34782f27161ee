import { DEFAULT_PAGES, startFakeWeChat } from 'wxacode-fake'
import { UsageError } from '../errors.js'
import { addOptions, number } from '../flags.js'
import { examples } from './command.js'

/** @import { Command } from 'commander' */
/** @import { CodeShape, FakeOptions, FakeWeChat } from 'wxacode-fake' */
/** @import { Io } from '../io.js' */

/**
 * `wxacode fake`: the fake WeChat of wxacode-fake on this machine, until Ctrl-C.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addFake(program, io) {
  const { say } = io
  const command = program
    .command('fake')
    .description(say({ zh: '在本机启动模拟微信服务', en: 'start a fake WeChat on this machine' }))
    .addHelpText('after', examples(['wxacode fake --port 8080 --page pages/index/index --page pages/goods/detail'], io))
    .action((flags) => serve(flags, io))
  addOptions(command, say, (option) => {
    const natural = number(say, /^\d{1,7}$/)
    option('--port <n>', { zh: '端口（默认任选）', en: 'the port (default: any free one)' }).argParser(natural)
    option('--appid <id>', { zh: 'AppID（默认每次新生成）', en: 'the AppID (default: a new one)' })
    option('--secret <text>', {
      zh: 'AppSecret（默认每次新生成）',
      en: 'the AppSecret, which is a fake too (default: a new one)',
    })
    option('--page <paths...>', { zh: '已发布的页面', en: 'published pages' }).default(DEFAULT_PAGES)
    option('--latency <ms>', { zh: '每次响应的延迟', en: 'delay of every response' }).argParser(natural)
    option('--shape <name>', {
      zh: '码的形状：可以扫描的方形码（默认），或与微信一样的圆形码',
      en: 'square codes, which scan (default), or round ones as users see them',
    }).choices(['square', 'round'])
  })
}

/**
 * @param {{ port?: number, appid?: string, secret?: string, page: string[], latency?: number, shape?: CodeShape }} flags
 * @param {Io} io
 */
async function serve({ port, appid, secret, page, latency, shape }, io) {
  const fake = await start({ port, latency, shape, apps: [{ appid, secret, pages: page }] })
  io.finish({ json: { ok: true, url: fake.url, appid: fake.appid, secret: fake.secret }, text: textOf(fake, io) })
  await new Promise((resolve) => io.signal.addEventListener('abort', resolve, { once: true }))
  await fake.close()
}

/** @param {FakeOptions} options */
async function start(options) {
  try {
    return await startFakeWeChat(options)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new UsageError(
      {
        zh: `端口 ${options.port} 不可用（${code ?? message}）`,
        en: `cannot listen on port ${options.port} (${code ?? message})`,
      },
      { zh: '用 --port 换一个', en: 'Choose another with --port' },
    )
  }
}

/**
 * @param {FakeWeChat} fake
 * @param {Io} io
 */
const textOf = ({ url, appid, secret }, { say, colors }) => [
  `${say({ zh: '模拟微信服务', en: 'a fake WeChat on' })} ${colors.bold(url)}`,
  '',
  `  export WXACODE_BASE_URL=${url}`,
  `  export WXACODE_APPID=${appid}`,
  `  export WXACODE_SECRET=${secret}`,
  '',
  say({ zh: '按 Ctrl-C 停止', en: 'Ctrl-C stops it' }),
]
