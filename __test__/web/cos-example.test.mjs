import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { codeKey } from 'wxacode'
import { startCos } from '../../examples/nest-cos/store.mjs'
import { asked } from '../support/decode.mjs'
import { EXAMPLES, startExample } from '../support/example.mjs'
import { checkText, newSecret, setup, suite } from '../support/suite.mjs'

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const SECRET_ID = 'AKID0000000000000000'

before(() => execFileSync(process.execPath, [TSC, '--project', `${EXAMPLES}nest-cos`]))

/** A bucket that checks signatures, an account of a fake, and the example with both, as `npm start` starts it. */
async function start(t, { secretKey = newSecret(), given = secretKey } = {}) {
  const { fake, options, secrets } = await setup(t)
  const cos = await startCos({ secretId: SECRET_ID, secretKey })
  t.after(cos.close)
  const { url, stop } = await startExample(t, 'nest-cos', {
    WXACODE_APPID: options.appid,
    WXACODE_SECRET: options.secret,
    WXACODE_BASE_URL: options.baseUrl,
    COS_SECRET_ID: SECRET_ID,
    COS_SECRET_KEY: given,
    COS_BUCKET: 'codes-1250000000',
    COS_REGION: 'ap-shanghai',
    COS_DOMAIN: cos.domain,
  })
  return {
    fake,
    cos,
    appid: options.appid,
    get: (path) => fetch(url + path, { redirect: 'manual' }),
    async stop() {
      const { stderr } = await stop()
      checkText(stderr, [...secrets(), secretKey, given])
      return stderr
    },
  }
}

suite('the example of Nest with COS', (test) => {
  test('stores a code at its first request, and leads every visitor to it', async (t) => {
    const { fake, cos, appid, get, stop } = await start(t)
    const answers = await Promise.all(['/code/bund', '/code/bund', '/code/bund'].map(get))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [302, 302, 302],
    )
    const key = `${appid}/${codeKey({ scene: 'shop=bund', page: 'pages/index/index' })}.jpg`
    assert.deepEqual([...cos.objects.keys()], [key])
    assert.equal((await get('/code/bund')).status, 302)
    assert.equal(fake.count('codes'), 1)
    const link = new URL(answers[0].headers.get('location'))
    assert.equal(decodeURIComponent(link.pathname), `/${key}`)
    const picture = await fetch(link)
    assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/jpeg'])
    assert.equal(asked(Buffer.from(await picture.arrayBuffer())).scene, 'shop=bund')
    assert.equal((await fetch(`${link.origin}${link.pathname}`)).status, 403)
    assert.equal((await get('/code/nowhere')).status, 404)
    assert.equal(await stop(), '')
  })

  test('requests nothing that an earlier process has stored', async (t) => {
    const { fake, cos, appid, get } = await start(t)
    const key = `${appid}/${codeKey({ scene: 'shop=xuhui', page: 'pages/index/index' })}.jpg`
    cos.objects.set(key, { body: Buffer.from('a picture'), type: 'image/jpeg' })
    const link = (await get('/code/xuhui')).headers.get('location')
    assert.equal(await (await fetch(link)).text(), 'a picture')
    assert.equal(fake.count('codes'), 0)
  })

  test('logs what WeChat refuses with what to do, and the next visitor tries again', async (t) => {
    const { fake, cos, get, stop } = await start(t)
    fake.fail(41030)
    assert.equal((await get('/code/bund')).status, 502)
    assert.equal(cos.objects.size, 0)
    assert.equal((await get('/code/bund')).status, 302)
    assert.match(await stop(), /getUnlimitedQRCode: 41030 /)
  })

  test('logs that COS refuses the key', async (t) => {
    const { fake, get, stop } = await start(t, { given: newSecret() })
    assert.equal((await get('/code/bund')).status, 502)
    assert.equal(fake.count('codes'), 0)
    assert.match(await stop(), /COS: /)
  })
})
