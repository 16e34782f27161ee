import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { asked } from '../support/decode.mjs'
import { suite, times } from '../support/suite.mjs'

/** As the table "Why wxacode" in the READMEs names them. */
const VERSIONS = { 'co-wechat-api': '3.11.0', 'node-easywechat': '3.6.2' }
const READMES = ['README.md', 'README.zh-CN.md'].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8'),
)
const CALLS = 50
const PAGE = 'pages/index/index'

/** A fake with an account of plain letters: co-wechat-api does not encode the AppSecret in a URL. */
async function setting(t) {
  const fake = await startFakeWeChat({ app: { pages: [PAGE, 'pages/shop'] } })
  t.after(() => fake.close())
  return { fake, options: { appid: fake.appid, secret: fake.secret, baseUrl: fake.url } }
}

let folder
let load
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wxacode-others-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }))
  const npm = process.env.npm_execpath
  await promisify(execFile)(process.execPath, [npm, 'install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
  })
  load = createRequire(join(folder, 'package.json'))
  // node-easywechat writes its cache into the current folder.
  process.chdir(folder)
})
after(() => {
  process.chdir(tmpdir())
  rmSync(folder, { recursive: true, force: true })
})

/** One way to call each: `code(params)` gives whatever the SDK gives, or throws what it throws. */
const SDKS = {
  wxacode: async ({ options }) => {
    const wxa = new WxaCode(options)
    return { code: (params) => wxa.getUnlimitedQRCode(params) }
  },

  'co-wechat-api': async ({ options }) => {
    const API = load('co-wechat-api')
    const api = new API(options.appid, options.secret)
    api.prefix = `${options.baseUrl}/cgi-bin/`
    api.wxaPrefix = `${options.baseUrl}/wxa/`
    return { code: ({ scene, page }) => api.getWXACodeUnlimit(scene, page) }
  },

  'node-easywechat': async ({ options }) => {
    // Its main file needs a package that its published version does not bring.
    const MiniApp = load('node-easywechat/dist/MiniApp/Application')
    const { appid: app_id, secret, baseUrl: baseURL } = options
    const client = new MiniApp({ app_id, secret, use_stable_access_token: true, http: { baseURL } }).getClient()
    return {
      code: async (params) => {
        const response = await client.postJson('/wxa/getwxacodeunlimit', params, { responseType: 'arraybuffer' })
        return { failed: response.isFailed(), body: Buffer.from(response.getContent()) }
      },
    }
  },
}

suite(
  'what the READMEs say of other SDKs',
  (test) => {
    for (const [name, requests] of Object.entries({
      wxacode: (count) => count === 1,
      'co-wechat-api': (count) => count > CALLS / 2,
      'node-easywechat': (count) => count > CALLS / 2,
    })) {
      test(`${name}: the token requests of ${CALLS} calls that have no token yet`, async (t) => {
        const { fake, options } = await setting(t)
        const { code } = await SDKS[name]({ options })
        await Promise.all(times(CALLS, (n) => code({ scene: `id=${n}`, page: PAGE }).catch(() => undefined)))
        const count = fake.count('tokens')
        assert.ok(requests(count), `${count}`)
      })
    }

    test('co-wechat-api throws the number and the text of an errcode', async (t) => {
      const { code } = await SDKS['co-wechat-api'](await setting(t))
      await assert.rejects(code({ scene: 'id=1', page: 'pages/no' }), (error) => {
        assert.equal(error.code, 41030)
        assert.match(error.message, /^invalid page rid: [\w-]+$/)
        return true
      })
    })

    test("node-easywechat gives WeChat's error as content that has not failed", async (t) => {
      const { code } = await SDKS['node-easywechat'](await setting(t))
      const { failed, body } = await code({ scene: 'id=1', page: 'pages/no' })
      assert.equal(failed, false)
      assert.equal(JSON.parse(body.toString()).errcode, 41030)
    })

    test('node-easywechat sends a misspelt parameter, and WeChat ignores it', async (t) => {
      const { code } = await SDKS['node-easywechat'](await setting(t))
      const { body } = await code({ scene: 'id=1', pgae: 'pages/shop' })
      const { scene, page } = asked(body)
      assert.deepEqual([scene, page], ['id=1', undefined])
    })

    test('node-easywechat does not try again with another token', async (t) => {
      const { fake, options } = await setting(t)
      const { code } = await SDKS['node-easywechat']({ options })
      await code({ scene: 'id=1', page: PAGE })
      fake.revokeTokens()
      const { body } = await code({ scene: 'id=2', page: PAGE })
      assert.equal(JSON.parse(body.toString()).errcode, 40001)
    })

    test('co-wechat-api refreshes for each call that is refused', async (t) => {
      const { fake, options } = await setting(t)
      const { code } = await SDKS['co-wechat-api']({ options })
      await code({ scene: 'id=1', page: PAGE })
      const before = fake.count('tokens')
      fake.revokeTokens()
      await Promise.all(times(10, (n) => code({ scene: `id=${n}`, page: PAGE }).catch(() => undefined)))
      assert.ok(fake.count('tokens') - before > 1)
    })

    test('the versions are those of the tables', () => {
      for (const readme of READMES) {
        for (const [name, version] of Object.entries(VERSIONS)) {
          assert.ok(readme.includes(`${name} ${version}`), `${name} ${version}`)
        }
      }
    })
  },
  { concurrency: 2 },
)
