import assert from 'node:assert/strict'
import { Inject } from '@nestjs/common'
import { WxaCode, WxaPlatform } from 'wxacode'
import { getWxaCodeToken, getWxaPlatformToken, InjectWxaCode, InjectWxaPlatform, WxaCodeModule } from 'wxacode-nest'
import { newAppid, newSecret } from '../../__test__/support/suite.mjs'
import { controllerOf, moduleOf, setup, startApp, startFailure, suite } from './app.mjs'

/** Of a client: what it is asked for, and by which account the picture is. */
const appidAt = (path, injected) => controllerOf(path, [injected], (client) => ({ appid: client.appid }))
const credentials = { secret: 'a'.repeat(32), pushToken: 'token', encodingAESKey: 'a'.repeat(43), store: 'memory' }

suite('WxaCodeModule', (test) => {
  test('provides a client by its class, and codes come through HTTP', async (t) => {
    const { fake, options } = await setup(t)
    const codes = controllerOf('code', [Inject(WxaCode)], (wxa) =>
      wxa.getUnlimitedQRCode({ scene: 'a' }).then((image) => ({ bytes: image.length })),
    )
    const { app, get } = await startApp(t, { imports: [WxaCodeModule.forRoot(options)], controllers: [codes] })
    const { status, body } = await get('/code')
    assert.equal(status, 200)
    assert.ok(body.bytes > 1000)
    assert.equal(fake.count('codes'), 1)
    assert.ok(app.get(WxaCode) instanceof WxaCode)
  })

  test('provides several accounts by name, each with its own client', async (t) => {
    const { options } = await setup(t)
    const [first, second] = [newAppid(), newAppid()]
    const { app, get } = await startApp(t, {
      imports: [
        WxaCodeModule.forRoot(options),
        WxaCodeModule.forRoot({ ...options, appid: first, name: 'first' }),
        WxaCodeModule.forRootAsync({ name: 'second', useFactory: async () => ({ ...options, appid: second }) }),
      ],
      controllers: [
        appidAt('default', InjectWxaCode()),
        appidAt('first', InjectWxaCode('first')),
        appidAt('second', InjectWxaCode('second')),
      ],
    })
    const appids = await Promise.all(
      ['/default', '/first', '/second'].map(async (path) => (await get(path)).body.appid),
    )
    assert.deepEqual(appids, [options.appid, first, second])
    assert.equal(app.get(getWxaCodeToken('first')).appid, first)
    assert.equal(getWxaCodeToken(), WxaCode)
  })

  test('takes options from a factory, a class and a provider that exists', async (t) => {
    const { options } = await setup(t)
    const appids = { factory: newAppid(), class: newAppid(), existing: newAppid() }
    const make = (appid) => ({ ...options, appid })
    class Config {
      createWxaCodeOptions() {
        return make(appids.class)
      }
    }
    const instances = new Set()
    class Existing {
      async createWxaCodeOptions() {
        instances.add(this)
        return make(appids.existing)
      }
    }
    const settings = { provide: 'SETTINGS', useValue: make(appids.factory) }
    const shared = moduleOf({ providers: [settings, Existing], exports: ['SETTINGS', Existing] }, class Shared {})
    const { app } = await startApp(t, {
      imports: [
        WxaCodeModule.forRootAsync({
          name: 'factory',
          imports: [shared],
          inject: ['SETTINGS'],
          useFactory: (given) => given,
        }),
        WxaCodeModule.forRootAsync({ name: 'class', useClass: Config }),
        WxaCodeModule.forRootAsync({ name: 'existing', imports: [shared], useExisting: Existing }),
      ],
    })
    for (const [name, appid] of Object.entries(appids)) assert.equal(app.get(getWxaCodeToken(name)).appid, appid)
    assert.ok(instances.size === 1 && instances.has(app.select(shared).get(Existing)))
  })

  test('is global unless it is told not to be', async (t) => {
    const { options } = await setup(t)
    const inner = (name) => moduleOf({ controllers: [appidAt(name, InjectWxaCode(name))] }, class InnerModule {})
    const own = (more) => WxaCodeModule.forRoot({ ...options, name: 'own', ...more })
    const { get } = await startApp(t, { imports: [own(), inner('own')] })
    assert.equal((await get('/own')).body.appid, options.appid)
    const error = await startFailure(t, { imports: [own({ isGlobal: false }), inner('own')] })
    assert.match(error.message, /WxaCode\(own\)/)
    const direct = { imports: [own({ isGlobal: false })], controllers: [appidAt('own', InjectWxaCode('own'))] }
    assert.equal((await (await startApp(t, direct)).get('/own')).status, 200)
  })

  test('provides platforms, by their class and by name', async (t) => {
    const appids = [newAppid(), newAppid(), newAppid()]
    class Config {
      createWxaPlatformOptions() {
        return { ...credentials, appid: appids[2] }
      }
    }
    const { app, get } = await startApp(t, {
      imports: [
        WxaCodeModule.forPlatform({ ...credentials, appid: appids[0] }),
        WxaCodeModule.forPlatform({ ...credentials, appid: appids[1], name: 'second' }),
        WxaCodeModule.forPlatformAsync({ name: 'third', useClass: Config }),
      ],
      controllers: [
        appidAt('first', InjectWxaPlatform()),
        appidAt('second', InjectWxaPlatform('second')),
        appidAt('third', Inject(getWxaPlatformToken('third'))),
      ],
    })
    const got = await Promise.all(['/first', '/second', '/third'].map(async (path) => (await get(path)).body.appid))
    assert.deepEqual(got, appids)
    assert.equal(app.get(getWxaPlatformToken()), app.get(WxaPlatform))
  })

  test('takes what is absent from the environment', async (t) => {
    const { options } = await setup(t)
    process.env.WXACODE_APPID = options.appid
    t.after(() => delete process.env.WXACODE_APPID)
    const { app } = await startApp(t, { imports: [WxaCodeModule.forRoot({ secret: options.secret })] })
    assert.equal(app.get(WxaCode).appid, options.appid)
    // An account with a name that is not configured must not become the one of the environment.
    const { appid, ...rest } = options
    const named = (given) => startFailure(t, { imports: [WxaCodeModule.forRoot({ ...given, name: 'members' })] })
    assert.equal((await named(rest)).param, 'appid')
    assert.equal((await named({ ...rest, appid: undefined })).param, 'appid')
    process.env.WXACODE_SECRET = options.secret
    t.after(() => delete process.env.WXACODE_SECRET)
    assert.equal((await named({ ...options, secret: undefined })).param, 'secret')
  })

  test('fails the start with the explained error of an option, and names its own', async (t) => {
    const { options } = await setup(t)
    const startedWith = (more) => startFailure(t, { imports: [WxaCodeModule.forRoot({ ...options, ...more })] })
    assert.equal((await startedWith({ ratePerMinute: 0 })).param, 'ratePerMinute')
    assert.equal((await startedWith({ rediss: 'a' })).param, 'rediss')
    for (const shutdownTimeoutMs of [0, -1, 86_400_001, '5'])
      assert.match((await startedWith({ shutdownTimeoutMs })).message, /shutdownTimeoutMs.*shutdownTimeoutMs/)
    assert.match((await startedWith({ ready: 'yes' })).message, /ready/)
    assert.throws(() => WxaCodeModule.forRoot({ ...options, name: '' }), /name/)
    assert.throws(() => WxaCodeModule.forRootAsync({}), /useFactory, useClass or useExisting/)
    assert.throws(() => WxaCodeModule.forPlatformAsync({ inject: [] }), /useExisting/)
  })

  test('with `ready` the start fetches a token, or fails with what WeChat refuses', async (t) => {
    const { fake, options } = await setup(t)
    const { app } = await startApp(t, { imports: [WxaCodeModule.forRoot({ ...options, ready: true })] })
    assert.ok(app.get(WxaCode).stats().tokenAgeMs >= 0)
    assert.equal(fake.count(), 1)
    const error = await startFailure(t, {
      imports: [WxaCodeModule.forRoot({ ...options, secret: newSecret(), ready: true })],
    })
    assert.deepEqual([error.errcode, error.endpoint], [40125, 'stable_token'])
  })

  test('without `ready` the start sends nothing', async (t) => {
    const { fake, options } = await setup(t)
    await startApp(t, { imports: [WxaCodeModule.forRoot(options)] })
    assert.equal(fake.count(), 0)
  })
})
