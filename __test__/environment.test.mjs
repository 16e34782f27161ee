import assert from 'node:assert/strict'
import { WxaCode } from 'wxacode'
import { newAppid, newSecret, setup, suite, thrown } from './support/suite.mjs'

const NAMES = ['WXACODE_APPID', 'WXACODE_SECRET', 'WXACODE_BASE_URL', 'WXACODE_REDIS', 'WXACODE_PROXY']

/** What comes of `run`, which ends at once, with no other variables of ours than these. */
function withEnv(variables, run) {
  const before = NAMES.map((name) => [name, process.env[name]])
  const set = (entries) => {
    for (const [name, value] of entries) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  set(NAMES.map((name) => [name, variables[name]]))
  try {
    return run()
  } finally {
    set(before)
  }
}

const account = () => ({ WXACODE_APPID: newAppid(), WXACODE_SECRET: newSecret() })

suite('a client by the environment', (test) => {
  test('reads appid, secret and baseUrl', async (t) => {
    const { appid, secret, fake } = await setup(t)
    const variables = { WXACODE_APPID: appid, WXACODE_SECRET: secret, WXACODE_BASE_URL: fake.url }
    const wxa = withEnv(variables, () => WxaCode.fromEnv())
    assert.equal(wxa.appid, appid)
    assert.ok((await wxa.getUnlimitedQRCode({ scene: 'a' })).length > 0)
    assert.equal(fake.count('codes'), 1)
  })

  test('reads redis and proxy', () => {
    for (const [name, value, part] of [
      ['WXACODE_REDIS', 'mysql://cache', 'redis'],
      ['WXACODE_PROXY', 'socks9://proxy', 'proxy'],
    ]) {
      const error = thrown(() => withEnv({ ...account(), [name]: value }, () => WxaCode.fromEnv()))
      assert.equal(error.param.split('.')[0], part)
      assert.match(error.message, new RegExp(`environment variable ${name}: .*环境变量 ${name}：`))
      withEnv({ ...account(), [name]: '' }, () => WxaCode.fromEnv())
    }
    const wxa = withEnv({ ...account(), WXACODE_REDIS: 'redis://127.0.0.1:1' }, () => WxaCode.fromEnv())
    assert.ok(['up', 'down'].includes(wxa.stats().redis))
  })

  test('prefers a given option to its variable', () => {
    const appid = newAppid()
    const wxa = withEnv({ ...account(), WXACODE_REDIS: 'mysql://cache' }, () =>
      WxaCode.fromEnv({ appid, secret: undefined, redis: 'redis://127.0.0.1:1', cache: true }),
    )
    assert.equal(wxa.appid, appid)
    assert.equal(wxa.stats().cache.entries, 0)
  })

  for (const [how, value] of [
    ['not set', undefined],
    ['empty', ''],
  ]) {
    for (const [name, param] of [
      ['WXACODE_APPID', 'appid'],
      ['WXACODE_SECRET', 'secret'],
    ]) {
      test(`names ${name} as missing when it is ${how}`, () => {
        const error = thrown(() => withEnv({ ...account(), [name]: value }, () => WxaCode.fromEnv()))
        assert.deepEqual([error.name, error.param], ['InvalidParamsError', param])
        assert.match(error.message, new RegExp(`the environment variable ${name} is not set.*没有设置环境变量 ${name}`))
      })
    }
  }

  test('needs no secret when none is used', () => {
    const { WXACODE_APPID } = account()
    for (const token of ['none', () => 'token']) withEnv({ WXACODE_APPID }, () => WxaCode.fromEnv({ token }))
  })

  test('names the variable of an invalid AppID, and not its value', () => {
    const error = thrown(() => withEnv({ ...account(), WXACODE_APPID: '"wx1"' }, () => WxaCode.fromEnv()))
    assert.equal(error.param, 'appid')
    assert.match(error.message, /environment variable WXACODE_APPID: /)
  })

  test('names no variable for an option that was given', () => {
    for (const options of [{ appid: 'wx' }, { timeoutMs: -1 }, { appId: 'wx' }]) {
      const error = thrown(() => withEnv(account(), () => WxaCode.fromEnv(options)))
      assert.doesNotMatch(error.message, /WXACODE_/)
    }
  })

  test('takes an object of options', () => {
    for (const options of [null, 'wx', 42]) {
      const error = thrown(() => withEnv(account(), () => WxaCode.fromEnv(options)))
      assert.deepEqual([error.name, error.param], ['InvalidParamsError', 'options'])
    }
  })

  test('is an instance of the subclass that fromEnv was called on', () => {
    class Mine extends WxaCode {}
    assert.ok(withEnv(account(), () => Mine.fromEnv()) instanceof Mine)
  })
})
