import assert from 'node:assert/strict'
import { check, InvalidParamsError, WxaCode, WxaCodeError } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { checkMessage, failure, newSecret, setup, suite, thrown } from './support/suite.mjs'

const APPID = 'wx0123456789abcdef'
const SECRET = newSecret()
const GOOD = { getQRCode: { path: 'a' }, getUnlimitedQRCode: { scene: 'a' }, createQRCode: { path: 'a' } }
const METHODS = Object.keys(GOOD)
const CODE_METHODS = ['getQRCode', 'getUnlimitedQRCode']

const isInvalid = (error, param, errcode) => {
  assert.ok(error instanceof InvalidParamsError, String(error))
  assert.ok(error instanceof WxaCodeError)
  assert.equal(error.param, param)
  assert.equal(error.errcode, errcode)
  assert.equal(error.code, 'ERR_WXA_PARAMS')
  assert.equal(error.retryable, false)
  assert.ok(!error.message.includes('\n'))
  for (const text of [error.explanation.cause, error.explanation.fix].flatMap(({ zh, en }) => [zh, en])) {
    assert.ok(text.length > 0)
  }
  checkMessage(error)
}

/** That a call is refused for `param`, and that nothing is sent, not even for a token. */
async function refused(t, method, args, param, errcode) {
  const { fake, wxa } = await setup(t)
  const error = await failure(wxa[method](...args))
  isInvalid(error, param, errcode)
  assert.equal(fake.count(), 0)
  return error
}

/** What an instance of ioredis is made of. */
class IORedis {
  constructor(options) {
    this.options = { family: 4, ...options }
  }
  sendCommand() {}
}

/** [parameters, the one at fault, errcode, texts that the message has] */
const WRONG_SCENES = [
  [{}, 40169, ['missing', '缺少']],
  [{ scene: '' }, 40169, ['empty', '为空']],
  [{ scene: 'a'.repeat(33) }, 40169, ['33 characters', '33 个字符', '32']],
  [{ scene: 'ab c' }, 40129, ['character 3', '第 3 个字符', 'U+0020']],
  [{ scene: 'id=商品' }, 40129, ['character 4', '“商”', 'U+5546', '第 4 个字符']],
  [{ scene: 'a%20' }, 40129, ['character 2', '“%”', 'percent-encoding']],
  [{ scene: 'a"' }, 40129, ['character 2', 'U+0022']],
  [{ scene: 'a\u0000' }, 40129, ['character 2', 'U+0000']],
  [{ scene: 'a\nb' }, 40129, ['character 2', 'U+000A']],
  [{ scene: 'a😀b' }, 40129, ['character 2', '😀', 'U+1F600']],
  [{ scene: '😀😀中' }, 40129, ['character 1', 'U+1F600']],
  [{ scene: null }, undefined, ['null']],
  [{ scene: 42 }, undefined, ['number', 'string']],
  [{ scene: ['a'] }, undefined, ['an array']],
  [{ scene: { id: 1 } }, undefined, ['an object']],
  [{ scene: 'a\ud83d' }, undefined, ['surrogate']],
]

const WRONG_PAGES = [
  ['/pages/index/index', 41030, ['leading slash', '"pages/index/index"']],
  ['pages/index/index?id=1', 41030, ['query', '"pages/index/index"', 'scene']],
  ['pages/index/index?scancode_time=1', 85096, ['scancode_time']],
  [null, undefined, ['null']],
  [7, undefined, ['number']],
  ['pages/\udc00', undefined, ['surrogate']],
]

/** [method, limit, texts] */
const PATH_LIMITS = [
  ['getQRCode', '品'.repeat(1025), ['1025 characters', '3075 bytes', '1024 are allowed']],
  ['createQRCode', '品'.repeat(43), ['129 bytes', '43 characters', '128 bytes are allowed', '129 字节']],
]

const WRONG_WIDTHS = [279, 1281, 430.5, 0, -1, -0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32 + 430, 1e300]
const WRONG_TYPES_OF_WIDTH = ['430', null, true, [430], { valueOf: () => 430 }, 430n]
const WRONG_BOOLEANS = [1, 0, 'true', '', null, [], {}]

/** [lineColor, the part at fault] */
const WRONG_COLORS = [
  [null, 'lineColor'],
  ['#0000', 'lineColor'],
  ['#00000g', 'lineColor'],
  ['red', 'lineColor'],
  ['', 'lineColor'],
  [0, 'lineColor'],
  [[0, 0, 0], 'lineColor'],
  [{}, 'lineColor.r'],
  [{ g: 0, b: 0 }, 'lineColor.r'],
  [{ r: 0, b: 0 }, 'lineColor.g'],
  [{ r: 0, g: 0 }, 'lineColor.b'],
  [{ r: 0, g: 0, b: undefined }, 'lineColor.b'],
  [{ r: '0', g: 0, b: 0 }, 'lineColor.r'],
  [{ r: 0, g: null, b: 0 }, 'lineColor.g'],
  [{ r: 256, g: 0, b: 0 }, 'lineColor.r'],
  [{ r: 0, g: -1, b: 0 }, 'lineColor.g'],
  [{ r: 0, g: 0, b: 0.5 }, 'lineColor.b'],
  [{ r: 0, g: 0, b: Number.NaN }, 'lineColor.b'],
  [{ r: 2 ** 32, g: 0, b: 0 }, 'lineColor.r'],
  [{ r: 0, g: 0, b: 0, a: 0 }, 'lineColor.a'],
  [{ red: 0, g: 0, b: 0 }, 'lineColor.red'],
]

/** [method, misspelt, right, or undefined where it cannot be told] */
const MISSPELT = [
  ['getUnlimitedQRCode', 'check_path', 'checkPath'],
  ['getUnlimitedQRCode', 'checkpath', 'checkPath'],
  ['getUnlimitedQRCode', 'show_splash_ad', 'showSplashAd'],
  ['getUnlimitedQRCode', 'env_version', 'envVersion'],
  ['getUnlimitedQRCode', 'auto_color', 'autoColor'],
  ['getUnlimitedQRCode', 'line_color', 'lineColor'],
  ['getUnlimitedQRCode', 'is_hyaline', 'isHyaline'],
  ['getUnlimitedQRCode', 'path', 'page'],
  ['getUnlimitedQRCode', 'Scene', 'scene'],
  ['getQRCode', 'page', 'path'],
  ['getQRCode', 'env_version', 'envVersion'],
  ['createQRCode', 'page', 'path'],
  ['getQRCode', 'scene', 'scene belongs to getUnlimitedQRCode', 'scene 是 getUnlimitedQRCode 的参数'],
  ['createQRCode', 'scene', 'scene belongs to getUnlimitedQRCode', 'scene 是 getUnlimitedQRCode 的参数'],
  ['getUnlimitedQRCode', 'signal', '(params, { signal })'],
  ['createQRCode', 'timeoutMs', '(params, { timeoutMs })'],
  ['getUnlimitedQRCode', 'lineColour', 'Use lineColor instead', '改为 lineColor'],
  ['getUnlimitedQRCode', 'secne', 'Use scene instead', '改为 scene'],
  ['getUnlimitedQRCode', 'with', 'Use width instead', '改为 width'],
  ['getUnlimitedQRCode', 'pag', 'Use page instead', '改为 page'],
  ['getUnlimitedQRCode', 'check_pth', 'Use checkPath instead', '改为 checkPath'],
  ['getUnlimitedQRCode', 'env', 'Allowed parameters: scene', '可用的参数：scene'],
  ['getUnlimitedQRCode', 'pa', 'Allowed parameters: scene', '可用的参数：scene'],
  ['getUnlimitedQRCode', 'constructor', undefined],
  ['getUnlimitedQRCode', 'toString', undefined],
  ['createQRCode', 'envVersion', 'envVersion belongs to getQRCode', 'envVersion 是 getQRCode 的参数'],
  [
    'getQRCode',
    'showSplashAd',
    'showSplashAd belongs to getUnlimitedQRCode',
    'showSplashAd 是 getUnlimitedQRCode 的参数',
  ],
  ['createQRCode', 'isHyaline', 'isHyaline belongs to getQRCode', 'isHyaline 是 getQRCode 的参数'],
]

const WRONG_CALLS = [
  [null, 'call'],
  ['call', 'call'],
  [1000, 'call'],
  [[], 'call'],
  [{ timeout: 1000 }, 'timeout', 'timeoutMs'],
  [{ timeout_ms: 1000 }, 'timeout_ms', 'timeoutMs'],
  [{ retries: 1 }, 'retries'],
  [{ timeoutMs: '1000' }, 'timeoutMs'],
  [{ timeoutMs: null }, 'timeoutMs'],
  [{ timeoutMs: 0 }, 'timeoutMs'],
  [{ timeoutMs: -1 }, 'timeoutMs'],
  [{ timeoutMs: Number.NaN }, 'timeoutMs'],
  [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs'],
  [{ timeoutMs: 86_400_001 }, 'timeoutMs'],
  [{ signal: null }, 'signal'],
  [{ signal: {} }, 'signal'],
  [{ signal: new AbortController() }, 'signal'],
  [{ signal: 'signal' }, 'signal'],
]

/** [options beside good ones, the one at fault, errcode, texts] */
const WRONG_OPTIONS = [
  [{ appid: undefined }, 'appid', 40013, ['appid is undefined', 'environment variable', '环境变量']],
  [{ appid: '' }, 'appid', 40013, ['appid is empty', 'environment variable', '环境变量']],
  [{ appid: `${APPID} ` }, 'appid', 40013, ['16 letters or digits']],
  [{ appid: 'wx0123' }, 'appid', 40013, []],
  [{ appid: 'gh_0123456789abcde' }, 'appid', 40013, []],
  [{ appid: 'wx0123456789abcde商' }, 'appid', 40013, []],
  [{ appid: 42 }, 'appid', undefined, []],
  [{ appid: null }, 'appid', undefined, []],
  [{ secret: undefined }, 'secret', 41004, ['AppSecret', 'environment variable', '环境变量']],
  [{ secret: '' }, 'secret', 41004, ['AppSecret', 'environment variable']],
  [{ secret: `${SECRET}\n` }, 'secret', 40125, ['white space']],
  [{ secret: ` ${SECRET}` }, 'secret', 40125, []],
  [{ secret: `${SECRET}\u0000` }, 'secret', 40125, []],
  [{ secret: Buffer.from(SECRET) }, 'secret', undefined, []],
  [{ secret: null }, 'secret', undefined, []],
  [{ secret: undefined, token: 'classic' }, 'secret', 41004, []],
  [{ token: 'stabel' }, 'token', undefined, ['stable', 'classic']],
  [{ token: null }, 'token', undefined, []],
  [{ token: { get: () => 'token' } }, 'token', undefined, []],
  ...[
    ['https://api.weixin.qq.com/cgi-bin', 'https://api.weixin.qq.com'],
    ['https://api.weixin.qq.com/wxa/getwxacodeunlimit', 'https://api.weixin.qq.com'],
    ['https://api2.weixin.qq.com/any/', 'https://api2.weixin.qq.com'],
    ['https://gateway.example:8443/cgi-bin/', 'https://gateway.example:8443'],
    ['https://gateway.example/weixin/wxa/GetWXACode', 'https://gateway.example'],
    ['http://localhost:3000/cgi-bin/stable_token', 'http://localhost:3000'],
  ].map(([baseUrl, origin]) => [{ baseUrl }, 'baseUrl', undefined, [`baseUrl: '${origin}'`, '路径']]),
  [{ baseUrl: 'api.weixin.qq.com' }, 'baseUrl', undefined, ['https://api.weixin.qq.com']],
  [{ baseUrl: 'ftp://localhost' }, 'baseUrl', undefined, []],
  [{ baseUrl: 'http://api.weixin.qq.com' }, 'baseUrl', undefined, ['plain http', '明文']],
  [{ baseUrl: 'http://127.0.0.1.example.com' }, 'baseUrl', undefined, []],
  [{ baseUrl: 'http://localhost.example.com' }, 'baseUrl', undefined, []],
  [{ baseUrl: 'http://10.0.0.1' }, 'baseUrl', undefined, []],
  [{ baseUrl: ['https://api.weixin.qq.com', 'http://api2.weixin.qq.com'] }, 'baseUrl', undefined, []],
  [{ baseUrl: [] }, 'baseUrl', undefined, []],
  [{ baseUrl: 'https://a\ud800' }, 'baseUrl', undefined, []],
  [{ baseUrl: ['https://api.weixin.qq.com', 'https://\udc00'] }, 'baseUrl', undefined, []],
  [{ cache: { ttlMs: Number.NaN } }, 'cache.ttlMs', undefined, ['NaN']],
  [{ baseUrl: ['https://api.weixin.qq.com', 7] }, 'baseUrl', undefined, []],
  [{ baseUrl: new URL('https://api.weixin.qq.com') }, 'baseUrl', undefined, []],
  [{ baseUrl: 'https://user:pass@localhost' }, 'baseUrl', undefined, []],
  [{ baseUrl: 'https://localhost?a=1' }, 'baseUrl', undefined, []],
  [{ baseUrl: 'https://localhost#a' }, 'baseUrl', undefined, []],
  [{ fromAppid: APPID }, 'fromAppid', undefined, ["token: 'none'"]],
  [{ fromAppid: 'me', token: 'none' }, 'fromAppid', 40013, []],
  [{ timeoutMs: 0 }, 'timeoutMs', undefined, []],
  [{ timeoutMs: Number.NaN }, 'timeoutMs', undefined, []],
  [{ timeoutMs: '1000' }, 'timeoutMs', undefined, []],
  [{ timeoutMs: 86_400_001 }, 'timeoutMs', undefined, ['86400000']],
  [{ retries: -1 }, 'retries', undefined, []],
  [{ retries: 1.5 }, 'retries', undefined, []],
  [{ retries: 11 }, 'retries', undefined, ['0 to 10']],
  [{ retries: '2' }, 'retries', undefined, []],
  [{ ratePerMinute: 0 }, 'ratePerMinute', undefined, []],
  [{ ratePerMinute: -5000 }, 'ratePerMinute', undefined, []],
  [{ ratePerMinute: 0.5 }, 'ratePerMinute', undefined, []],
  [{ ratePerMinute: Number.NaN }, 'ratePerMinute', undefined, []],
  [{ ratePerMinute: '5000' }, 'ratePerMinute', undefined, []],
  [{ proxy: 'localhost:8080' }, 'proxy', undefined, ['http://']],
  [{ proxy: 'socks5://localhost:1080' }, 'proxy', undefined, []],
  [{ proxy: 'http://' }, 'proxy', undefined, []],
  [{ proxy: true }, 'proxy', undefined, []],
  [{ ca: 'nonsense' }, 'ca', undefined, ['PEM']],
  [{ ca: Buffer.from('nonsense') }, 'ca', undefined, ['PEM']],
  [{ ca: ['nonsense'] }, 'ca', undefined, []],
  [{ redis: 'http://localhost' }, 'redis', undefined, ['redis://']],
  [{ redis: 6379 }, 'redis', undefined, []],
  [{ redis: {} }, 'redis.url', undefined, ['redis.url is missing']],
  [{ redis: { url: undefined } }, 'redis.url', undefined, ['environment variable']],
  [{ redis: { url: 'redis://localhost', prefix: 'a' } }, 'redis.prefix', undefined, ['keyPrefix']],
  [{ redis: { url: 'redis://localhost', allowUnsharedRotation: 1 } }, 'redis.allowUnsharedRotation', undefined, []],
  [{ redis: { url: 'redis://localhost', keyPrefix: '{a}' } }, 'redis.keyPrefix', undefined, ['brace']],
  [{ redis: { url: 'redis://localhost', timeoutMs: 0 } }, 'redis.timeoutMs', undefined, []],
  [{ redis: { url: 'redis://localhost', timeoutMs: '250' } }, 'redis.timeoutMs', undefined, []],
  [{ redis: { url: 'rediss://localhost', ca: 'x' } }, 'redis.ca', undefined, ['PEM']],
  [{ redis: { url: 'rediss://localhost', ca: 1 } }, 'redis.ca', undefined, ['PEM']],
  [{ redis: 'redis-sentinel://localhost:26379' }, 'redis', undefined, ['redis-sentinel://']],
  [{ redis: `redis://:${SECRET}@local host` }, 'redis', undefined, []],
  [{ redis: 'redis://localhost', token: 'none' }, 'redis', undefined, ["'stable'"]],
  [{ redis: 'redis://localhost', token: () => 'a' }, 'redis', undefined, ["'stable'"]],
  [{ redisUrl: 'redis://localhost' }, 'redisUrl', undefined, ['Use redis instead']],
  [{ access_token: 'a' }, 'access_token', undefined, ['Use token instead']],
  [{ httpsAgent: {} }, 'httpsAgent', undefined, ['Use proxy instead']],
  [{ appId: APPID }, 'appId', undefined, ['appid']],
  [{ app_id: APPID }, 'app_id', undefined, ['appid']],
  [{ appSecret: SECRET }, 'appSecret', undefined, ['secret']],
  [{ app_secret: SECRET }, 'app_secret', undefined, ['secret']],
  [{ base_url: 'https://localhost' }, 'base_url', undefined, ['baseUrl']],
  [{ host: 'localhost' }, 'host', undefined, ['baseUrl']],
  [{ timeout: 5000 }, 'timeout', undefined, ['timeoutMs']],
  [{ fromAppId: APPID, token: 'none' }, 'fromAppId', undefined, ['fromAppid']],
]

const GOOD_OPTIONS = [
  {},
  { token: 'stable' },
  { token: 'classic' },
  { token: 'none', secret: undefined },
  { token: 'none', secret: undefined, fromAppid: 'wxABCDEFGHIJ012345', baseUrl: 'http://api.weixin.qq.com' },
  { token: () => 'a', secret: undefined },
  { token: async () => ({ accessToken: 'a', expiresIn: 1 }) },
  { baseUrl: 'https://api2.weixin.qq.com/' },
  { baseUrl: 'https://nohost.invalid/a/prefix/' },
  { baseUrl: 'https://gateway.example/weixin' },
  { baseUrl: 'https://gateway.example/wxa' },
  { baseUrl: '' },
  { baseUrl: ['', 'https://gateway.example'] },
  { proxy: '' },
  { baseUrl: ['http://localhost:1', 'http://127.0.0.9:1', 'http://[::1]:1'] },
  { timeoutMs: 0.5, retries: 0, ratePerMinute: 1 },
  { timeoutMs: 86_400_000, retries: 10, ratePerMinute: Number.POSITIVE_INFINITY },
  { proxy: 'http://user:password@localhost:8080' },
  { proxy: 'env' },
  // What docker-compose makes of variables that are not set.
  { token: '', redis: '', baseUrl: '', fromAppid: '', proxy: '', ca: '' },
  { token: 'none', secret: '' },
  { redis: { url: 'rediss://localhost', ca: '' }, cache: false },
  { redis: 'redis://localhost' },
  { redis: 'redis-sentinel://user:password@a:26379,b:26379/0#main' },
  { redis: { url: 'unix:///tmp/redis.sock', timeoutMs: 1000, keyPrefix: '' } },
  { redis: { url: 'rediss://user:password@localhost:6380/1', keyPrefix: 'a:', allowUnsharedRotation: true } },
  { redis: { url: 'unix:///nowhere' }, token: 'classic' },
  Object.fromEntries(
    ['token', 'redis', 'baseUrl', 'fromAppid', 'timeoutMs', 'retries', 'ratePerMinute', 'proxy', 'ca'].map((key) => [
      key,
    ]),
  ),
]

/** For the name of a test. */
const shown = (value) =>
  JSON.stringify(
    value,
    (_, part) => (['number', 'bigint', 'function', 'undefined'].includes(typeof part) ? `${String(part)}` : part),
    0,
  )
    ?.slice(0, 70)
    .replaceAll(SECRET, 'S')

suite('parameters', (test) => {
  for (const [params, errcode, texts] of WRONG_SCENES) {
    test(`getUnlimitedQRCode refuses ${shown(params)}`, async (t) => {
      const error = await refused(t, 'getUnlimitedQRCode', [params], 'scene', errcode)
      const [message, { endpoint }] = [checkMessage(error), error]
      assert.equal(endpoint, 'getUnlimitedQRCode')
      assert.ok(message.startsWith('getUnlimitedQRCode: '), message)
      for (const text of texts) assert.ok(message.includes(text), `${text} is missing in ${message}`)
    })
  }

  for (const [page, errcode, texts] of WRONG_PAGES) {
    test(`getUnlimitedQRCode refuses page ${shown(page)}`, async (t) => {
      const message = checkMessage(await refused(t, 'getUnlimitedQRCode', [{ scene: 'a', page }], 'page', errcode))
      for (const text of texts) assert.ok(message.includes(text), `${text} is missing in ${message}`)
    })
  }

  for (const [method, tooLong, texts] of PATH_LIMITS) {
    test(`${method} refuses a path that is missing, empty, too long or reserved`, async (t) => {
      const no = (params, errcode) => refused(t, method, [params], 'path', errcode)
      await no({}, 40159)
      await no({ path: undefined }, 40159)
      await no({ path: '' }, 40159)
      await no({ path: 'p?a=1&scancode_time=2' }, 85096)
      await no({ path: 'p?scancode_time' }, 85096)
      await no({ path: null }, undefined)
      await no({ path: new String('pages/index/index') }, undefined)
      await no({ path: 'a\ud83d\ud83d' }, undefined)
      const { message } = await no({ path: tooLong }, 40159)
      for (const text of texts) {
        assert.ok(message.includes(text), `${text} is missing in ${message}`)
      }
    })
  }

  for (const method of CODE_METHODS) {
    test(`${method} refuses an envVersion that WeChat does not know`, async (t) => {
      for (const envVersion of ['', 'Release', 'dev', 'release ']) {
        const { message } = await refused(t, method, [{ ...GOOD[method], envVersion }], 'envVersion', 40097)
        assert.match(message, /release.*trial.*develop/)
      }
      for (const envVersion of [null, 0, ['release']]) {
        await refused(t, method, [{ ...GOOD[method], envVersion }], 'envVersion')
      }
    })

    for (const key of method === 'getQRCode'
      ? ['autoColor', 'isHyaline']
      : ['autoColor', 'isHyaline', 'checkPath', 'showSplashAd']) {
      test(`${method} refuses ${key} that is not a boolean`, async (t) => {
        for (const value of WRONG_BOOLEANS) {
          const { message } = await refused(t, method, [{ ...GOOD[method], [key]: value }], key, 47001)
          assert.match(message, /boolean/)
        }
      })
    }

    test(`${method} refuses a lineColor and names the part at fault`, async (t) => {
      for (const [lineColor, param] of WRONG_COLORS) {
        await refused(t, method, [{ ...GOOD[method], lineColor }], param)
      }
    })
  }

  for (const method of METHODS) {
    test(`${method} refuses a width that is not a whole number from 280 to 1280`, async (t) => {
      const errcode = method === 'getQRCode' ? 40189 : undefined
      for (const width of WRONG_WIDTHS) {
        const { message } = await refused(t, method, [{ ...GOOD[method], width }], 'width', errcode)
        assert.match(message, /280.*1280/)
      }
      for (const width of WRONG_TYPES_OF_WIDTH) {
        await refused(t, method, [{ ...GOOD[method], width }], 'width', 47001)
      }
    })

    test(`${method} refuses params that are missing or no object`, async (t) => {
      for (const args of [[], [undefined], [null], ['a'], [7], [true], [[]], [() => {}]]) {
        const { endpoint } = await refused(t, method, args, 'params')
        assert.equal(endpoint, method)
      }
    })

    test(`${method} refuses wrong call options`, async (t) => {
      for (const [call, param, meant = ''] of WRONG_CALLS) {
        const { message } = await refused(t, method, [GOOD[method], call], param)
        assert.ok(message.includes(meant), `${meant} is missing in ${message}`)
      }
    })

    test(`${method} rejects and does not throw`, async (t) => {
      const { wxa } = await setup(t)
      const promise = wxa[method](null)
      assert.ok(promise instanceof Promise)
      await failure(promise)
    })
  }

  for (const [method, wrong, right, zh = right] of MISSPELT) {
    test(`${method} refuses ${wrong} and says what it knows`, async (t) => {
      const { message, explanation } = await refused(
        t,
        method,
        [{ ...GOOD[method], [wrong]: 'pages/index/index' }],
        wrong,
      )
      const known = { getQRCode: 'path', getUnlimitedQRCode: 'scene', createQRCode: 'path' }[method]
      assert.match(message, new RegExp(`unknown parameter ${wrong}`))
      assert.ok(explanation.fix.en.includes(right ?? known), explanation.fix.en)
      assert.ok(explanation.fix.zh.includes(zh ?? known), explanation.fix.zh)
    })
  }

  test('of call options a handler and a client have no second argument', async (t) => {
    const { wxa, options } = await setup(t)
    for (const wrong of [
      () => codeHandler(wxa, () => null, { signal: null }),
      () => new WxaCode({ ...options, signal: null }),
    ])
      assert.throws(
        wrong,
        ({ param, explanation }) => param === 'signal' && /^Allowed parameters: /.test(explanation.fix.en),
      )
  })

  test('what an object is to hold is said', async (t) => {
    const colour = await refused(t, 'getQRCode', [{ path: 'a', lineColor: 7 }], 'lineColor')
    assert.match(colour.message, /lineColor is a number; it must be an object { r, g, b } or a colour like '#ff0000'\./)
    assert.match(colour.explanation.fix.zh, /^传入 '#ff0000' 或 { r: 255, g: 0, b: 0 }，或不传/)
    const params = await refused(t, 'createQRCode', ['a'], 'params')
    assert.match(params.explanation.fix.en, /^Pass an object { path, width, extra }/)
  })

  test('a text that is no colour is named, unless it is so long that it may be a secret', async (t) => {
    const { explanation } = await refused(t, 'getQRCode', [{ path: 'a', lineColor: 'red' }], 'lineColor')
    assert.equal(explanation.cause.en, 'lineColor is “red”, which is not a hexadecimal colour')
    assert.equal(explanation.cause.zh, 'lineColor 的“red”不是十六进制颜色')
    assert.equal(explanation.fix.en, "Pass '#ff0000' or { r: 255, g: 0, b: 0 }, or omit it")
    const long = await refused(t, 'getQRCode', [{ path: 'a', lineColor: SECRET }], 'lineColor')
    assert.ok(!long.message.includes(SECRET) && long.message.includes('lineColor is not a hexadecimal colour'))
  })

  test('a missing scene or path is explained with an example', async (t) => {
    const scene = await refused(t, 'getUnlimitedQRCode', [{}], 'scene', 40169)
    assert.equal(scene.explanation.fix.en, "Pass scene, 1 to 32 characters, such as 'id=42'")
    assert.equal(scene.explanation.fix.zh, "传入 scene，1 到 32 个字符，如 'id=42'")
    const path = await refused(t, 'createQRCode', [{}], 'path', 40159)
    assert.equal(path.explanation.fix.en, "Pass path, such as 'pages/index/index?id=42'")
    assert.equal((await failure((await setup(t)).wxa.getQuota())).explanation.fix.en, 'Pass path')
  })

  test('getAccessToken refuses wrong call options', async (t) => {
    for (const [call, param] of WRONG_CALLS) await refused(t, 'getAccessToken', [call], param)
    for (const forceRefresh of [1, 'true', null]) await refused(t, 'getAccessToken', [{ forceRefresh }], 'forceRefresh')
    const { message } = await refused(t, 'getAccessToken', [{ force_refresh: true }], 'force_refresh')
    assert.match(message, /forceRefresh/)
  })

  test('forceRefresh is no option of a code', async (t) => {
    await refused(t, 'getQRCode', [GOOD.getQRCode, { forceRefresh: true }], 'forceRefresh')
  })

  test('undefined means absent', async (t) => {
    const { fake, wxa } = await setup(t)
    const absent = Object.fromEntries(
      ['page', 'checkPath', 'showSplashAd', 'envVersion', 'width', 'autoColor', 'lineColor', 'isHyaline'].map((key) => [
        key,
      ]),
    )
    await wxa.getUnlimitedQRCode({ scene: 'a', ...absent }, { signal: undefined, timeoutMs: undefined })
    assert.equal(fake.requests.at(-1).body, '{"scene":"a"}')
    await wxa.getUnlimitedQRCode({ scene: 'a' }, undefined)
    await wxa.getAccessToken(undefined)
    await wxa.getAccessToken({ forceRefresh: undefined })
    assert.equal(fake.count('tokens'), 1)
  })

  test('each getter is asked once, also one on a prototype', async (t) => {
    const { fake, wxa } = await setup(t)
    let asked = 0
    class Params {
      get scene() {
        return `n=${++asked}`
      }
    }
    await wxa.getUnlimitedQRCode(new Params())
    const params = {
      get scene() {
        return `n=${++asked}`
      },
      lineColor: {
        r: 0,
        g: 0,
        get b() {
          return ++asked
        },
      },
    }
    await wxa.getUnlimitedQRCode(params)
    const sent = fake.requests.slice(1).map(({ body }) => JSON.parse(body))
    assert.deepEqual(sent, [{ scene: 'n=1' }, { scene: 'n=2', line_color: { r: 0, g: 0, b: 3 } }])
  })

  test("a getter's own exception reaches the caller as it is", async (t) => {
    const { fake, wxa } = await setup(t)
    const own = new Error('my own')
    const params = {
      get scene() {
        throw own
      },
    }
    assert.equal(await failure(wxa.getUnlimitedQRCode(params)), own)
    assert.equal(fake.count(), 0)
  })

  test('frozen objects, objects without a prototype and symbols are fine', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getUnlimitedQRCode(Object.freeze({ scene: 'a', lineColor: Object.freeze({ r: 0, g: 0, b: 0 }) }))
    await wxa.getUnlimitedQRCode(Object.assign(Object.create(null), { scene: 'a' }))
    await wxa.getUnlimitedQRCode({ scene: 'a', [Symbol('mine')]: 1 })
    assert.equal(fake.count('codes'), 3)
  })

  test('params that change after the call change nothing', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('tokens')
    const params = { scene: 'before', lineColor: { r: 1, g: 1, b: 1 } }
    const image = wxa.getUnlimitedQRCode(params)
    params.scene = 'after'
    params.lineColor.r = 2
    hold.release()
    await image
    assert.deepEqual(JSON.parse(fake.requests.at(-1).body), { scene: 'before', line_color: { r: 1, g: 1, b: 1 } })
  })

  test('each getter is asked once, and one that changes does not pass with one value and count with another', async (t) => {
    const { fake, wxa } = await setup(t)
    const once = (values) => ({
      get value() {
        return values.shift()
      },
    })
    const width = once([300, 'x'])
    await wxa.createQRCode({
      path: 'a',
      get width() {
        return width.value
      },
    })
    const job = {
      kind: 'unlimited',
      get scene() {
        return 'b'
      },
    }
    const kind = once(['unlimited', {}, 7])
    const jobs = [
      job,
      {
        scene: 'c',
        get kind() {
          return kind.value
        },
      },
    ]
    for await (const { error } of wxa.batch(jobs, { concurrency: 1 })) assert.equal(error, undefined)
    assert.deepEqual(
      fake.requests.slice(1).map(({ body }) => JSON.parse(body)),
      [{ path: 'a', width: 300 }, { scene: 'b' }, { scene: 'c' }],
    )
  })

  test('a batch takes jobs that are instances of a class', async (t) => {
    const { fake, wxa } = await setup(t)
    class Poster {
      #id = 7
      kind = 'unlimited'
      get scene() {
        return `id=${this.#id}`
      }
      get title() {
        return 'not WeChat’s'
      }
    }
    for await (const { image, job } of wxa.batch([new Poster()])) assert.ok(image && job instanceof Poster)
    assert.equal(fake.requests.at(-1).body, '{"scene":"id=7"}')
  })

  test('a batch refuses a wrong timeoutMs once, before its first job is taken', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const timeoutMs of [-1, 0, Number.NaN, 86_400_001, '1000']) {
      const jobs = {
        [Symbol.iterator]() {
          assert.fail('it was taken')
        },
      }
      const error = await failure(wxa.batch(jobs, { timeoutMs }).next())
      assert.deepEqual([error.code, error.param, error.endpoint], ['ERR_WXA_PARAMS', 'timeoutMs', 'batch'])
    }
    assert.equal(fake.count(), 0)
  })

  test('what is no name of a kind is refused, whatever it says of itself', async () => {
    const changing = () => {
      let asked = 0
      return { toString: () => (asked++ === 0 ? 'unlimited' : 'constructor') }
    }
    for (const kind of [changing(), Object.create(null), Symbol('a'), ['unlimited'], null])
      assert.equal(thrown(() => check(kind, { scene: 'a' })).param, 'kind')
  })

  test('half a character is named by its place', async (t) => {
    for (const [params, param, place] of [
      [{ scene: '\ud83d' }, 'scene', 1],
      [{ scene: 'a', page: 'pages/😀😀\udc00' }, 'page', 9],
      [{ scene: 'a', envVersion: 'ab\ud83d' }, 'envVersion', 3],
    ]) {
      const { explanation } = await refused(t, 'getUnlimitedQRCode', [params], param)
      assert.match(explanation.cause.en, new RegExp(`character ${place} of ${param} is a lone surrogate`))
      assert.match(explanation.cause.zh, new RegExp(`第 ${place} 个字符`))
    }
  })

  test('no error repeats more than an excerpt of what it was given', async (t) => {
    const { fake, wxa } = await setup(t)
    const long = 'x'.repeat(10_000_000)
    for (const [call, param] of [
      [() => wxa.getQRCode({ path: 'a', [long]: 1 }), undefined],
      [() => wxa.getQRCode({ path: 'a' }, { [long]: 1 }), undefined],
      [() => wxa.request('/wxa/a', { [long]: 1 }), undefined],
      [() => wxa.request(long, { retires: 1 }), 'retires'],
      [() => wxa.request('/wxa/a', { body: { [long]: { [long]: 1n } } }), undefined],
      [() => wxa.request('/wxa/a', { query: { a: long } }), 'query'],
      [() => wxa.generateScheme({ jumpWxa: { [long]: 1 } }), undefined],
      [
        () =>
          wxa
            .batch([{ kind: long }])
            .next()
            .then(({ value }) => Promise.reject(value.error)),
        'kind',
      ],
    ]) {
      const error = await failure(call())
      assert.equal(error.code, 'ERR_WXA_PARAMS')
      assert.equal(error.param, param ?? error.param)
      assert.ok(error.param.length <= 80, error.param)
      assert.ok(JSON.stringify(error).length < 2000 && error.message.length < 1000 && error.stack.length < 4000)
    }
    assert.equal(fake.count(), 0)
  })

  test('what cannot be seen in a name is written out, and the message stays one line', async (t) => {
    const { message, param } = await refused(
      t,
      'getQRCode',
      [{ path: 'a', 'a\n\u202eb\u001b[31m': 1 }],
      'a\\u{a}\\u{202e}b\\u{1b}[31m',
    )
    assert.ok(message.includes(param) && !/[\p{Cc}\p{Cf}]/u.test(message))
  })

  test('a path that is none is not repeated as the endpoint: it may hold a secret', async (t) => {
    const { wxa, secret } = await setup(t)
    for (const path of [`/sns/jscode2session?secret=${secret}`, `https://api.weixin.qq.com/a?secret=${secret}`]) {
      const error = await failure(wxa.request(path, { retires: 1 }))
      assert.deepEqual([error.param, error.endpoint], ['retires', 'request'])
    }
  })

  test('colours may be written as designers do', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const [lineColor, sent] of [
      ['#ff0080', { r: 255, g: 0, b: 128 }],
      ['#F08', { r: 255, g: 0, b: 136 }],
      ['0a0B0c', { r: 10, g: 11, b: 12 }],
      ['000', { r: 0, g: 0, b: 0 }],
    ]) {
      await wxa.getQRCode({ path: 'a', width: 280, lineColor })
      assert.deepEqual(JSON.parse(fake.requests.at(-1).body).line_color, sent)
      assert.equal(check('limited', { path: 'a', lineColor }), undefined)
    }
  })

  test('a refused call counts as an error and not as a request', async (t) => {
    const { wxa } = await setup(t)
    await failure(wxa.getUnlimitedQRCode({ scene: '%' }))
    assert.equal(wxa.stats().requests, 0)
  })
})

suite('options', (test) => {
  for (const [wrong, param, errcode, texts] of WRONG_OPTIONS) {
    test(`the constructor refuses ${shown(wrong)} for ${param}`, () => {
      const error = thrown(() => new WxaCode({ appid: APPID, secret: SECRET, ...wrong }))
      isInvalid(error, param, errcode)
      assert.ok(!error.message.includes(SECRET))
      const message = checkMessage(error)
      for (const text of texts) assert.ok(message.includes(text), `${text} is missing in ${message}`)
    })
  }

  test('a client tells whose codes it gets', () => {
    assert.equal(new WxaCode({ appid: APPID, secret: SECRET }).appid, APPID)
    const fromAppid = 'wxfedcba9876543210'
    assert.equal(new WxaCode({ appid: APPID, token: 'none', fromAppid }).appid, fromAppid)
  })

  test('the constructor refuses options that are missing or no object', () => {
    for (const options of [undefined, null, 'wx', 7, [], () => {}])
      isInvalid(
        thrown(() => new WxaCode(options)),
        'options',
      )
  })

  for (const options of GOOD_OPTIONS) {
    test(`the constructor takes ${shown(options)}`, () => {
      assert.ok(new WxaCode({ appid: APPID, secret: SECRET, ...options }) instanceof WxaCode)
    })
  }

  for (const [shown, redis, url] of [
    ['host and port', { host: 'cache.internal', port: 6380 }, 'redis://cache.internal:6380/0'],
    ['a port in a text', { port: '6379' }, 'redis://localhost:6379/0'],
    ['a login and a database', { host: 'h', port: 1, username: 'me', password: SECRET, db: 2 }, 'redis://h:1/2'],
    ['TLS', { host: 'h', tls: {} }, 'rediss://h:6379/0'],
    ['IPv6', { host: '::1', port: 6379 }, 'redis://[::1]:6379/0'],
    ['a socket file', { path: '/run/redis.sock' }, 'unix:///run/redis.sock'],
    [
      "node-redis's socket",
      { socket: { host: 'h', port: 2, tls: true }, password: SECRET, database: 3 },
      'rediss://h:2/3',
    ],
    [
      'sentinels',
      { sentinels: [{ host: 'a', port: 1 }, { host: 'b' }], name: 'main', password: SECRET },
      'redis-sentinel://a:1,b:26379/0#main',
    ],
    ["ioredis's client", new IORedis({ host: 'h', port: 3, password: SECRET, db: 1 }), 'redis://h:3/1'],
    ['a host that is none', { host: `user:${SECRET}@h` }, 'redis://localhost:6379/0'],
  ]) {
    test(`the constructor says which URL is meant by ${shown}`, () => {
      const error = thrown(() => new WxaCode({ appid: APPID, secret: SECRET, redis }))
      isInvalid(error, 'redis', undefined)
      for (const fix of Object.values(error.explanation.fix)) assert.ok(fix.includes(`redis: '${url}'`), fix)
      assert.ok(!JSON.stringify(error).includes(SECRET))
    })
  }

  test('the constructor never touches the network', async (t) => {
    const { fake, client } = await setup(t)
    const ask = () => assert.fail('it was asked')
    for (const token of ['stable', 'classic', 'none', ask]) client({ appid: 'wxffffffffffffffff', token })
    await client().getUnlimitedQRCode({ scene: 'a' })
    assert.equal(fake.count(), 2)
  })

  test('a base URL keeps its path', async (t) => {
    const { fake, client } = await setup(t)
    for (const slash of ['', '/'])
      await failure(client({ baseUrl: `${fake.url}/behind/a/gateway${slash}` }).getAccessToken())
    assert.equal(fake.requests[0].path, '/behind/a/gateway/cgi-bin/stable_token')
  })

  test('options that change after the constructor change nothing', async (t) => {
    const { fake, client, options } = await setup(t)
    const baseUrl = [fake.url]
    const mine = { ...options, baseUrl }
    const wxa = client(mine)
    baseUrl[0] = 'https://nohost.invalid'
    mine.secret = 'other'
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    assert.equal(fake.count('codes'), 1)
  })
})
