import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startFakeWeChat } from 'wxacode-fake'
import { decode } from '../support/decode.mjs'
import { freePort } from '../support/ports.mjs'
import { checkText, newAppid, newSecret, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

const FOLDER = fileURLToPath(new URL('../../examples/platform/', import.meta.url))

/** The example as `npm start` starts it, once it has said where it listens. */
async function start(t, port, env = {}) {
  const { scripts } = JSON.parse(await readFile(join(FOLDER, 'package.json'), 'utf8'))
  const { NODE_TEST_CONTEXT, ...own } = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('WXACODE_')),
  )
  const args = scripts.start.split(' ').slice(1)
  const child = spawn(process.execPath, args, { cwd: FOLDER, env: { ...own, ...env, PORT: String(port) } })
  t.after(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said.err += text
  })
  const ended = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  assert.ok(await until(() => said.out.includes('/authorize\n')), `it did not start: ${said.out}${said.err}`)
  const stop = async () => {
    child.kill('SIGTERM')
    return (await ended)[0]
  }
  return { url, said, stop, get: (path, headers = {}) => fetch(url + path, { headers }) }
}

/** A fake with a platform, and the example as its provider. */
async function setup(t) {
  const port = await freePort()
  const secret = newSecret()
  const fake = await startFakeWeChat({ platforms: [{ secret, pushUrl: `http://127.0.0.1:${port}/wechat/push` }] })
  const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
  t.after(async () => {
    await fake.close()
    await rm(folder, { recursive: true, force: true })
  })
  const { appid, pushToken, encodingAESKey } = fake.platforms[0]
  const env = {
    WXACODE_PLATFORM_APPID: appid,
    WXACODE_PLATFORM_SECRET: secret,
    WXACODE_PLATFORM_PUSH_TOKEN: pushToken,
    WXACODE_PLATFORM_ENCODING_AES_KEY: encodingAESKey,
    WXACODE_PLATFORM_STORE: `file:${join(folder, 'wechat.json')}`,
    WXACODE_BASE_URL: fake.url,
    PUBLIC_URL: 'https://provider.example',
  }
  return {
    fake,
    open: () => start(t, port, env),
    secrets: () => [secret, pushToken, encodingAESKey, ...fake.liveTickets()],
  }
}

suite('the example of a platform', (test) => {
  test('serves a merchant from its authorisation to its withdrawal', async (t) => {
    const { fake, open, secrets } = await setup(t)
    const example = await open()
    const pushed = await fake.pushTicket()
    assert.deepEqual([pushed.status, pushed.answer], [200, 'success'])

    const page = await (await example.get('/authorize')).text()
    const link = new URL(/href="([^"]+)"/.exec(page)[1].replaceAll('&amp;', '&'))
    assert.equal(link.hostname, 'mp.weixin.qq.com')
    assert.equal(link.searchParams.get('redirect_uri'), 'https://provider.example/authorized')
    assert.ok(link.searchParams.get('pre_auth_code'))
    const phone = await (await example.get('/authorize', { 'User-Agent': 'MicroMessenger/8' })).text()
    assert.match(phone, /href="https:\/\/open\.weixin\.qq\.com\//)

    const merchant = newAppid()
    const code = `/merchants/${merchant}/code?scene=table%3D7`
    assert.equal((await example.get(code)).status, 404, 'a stranger')
    const authCode = await fake.authorize(merchant, { push: false })
    const returned = await example.get(`/authorized?auth_code=${encodeURIComponent(authCode)}`)
    assert.deepEqual(await returned.json(), { appid: merchant, canHaveCodes: true, canHaveLinks: true })
    const answer = await example.get(code)
    assert.equal(answer.status, 200)
    assert.equal(decode(Buffer.from(await answer.arrayBuffer())).asked.scene, 'table=7')
    assert.equal((await example.get(`/merchants/${merchant}/code?scene=anything`)).status, 404)
    assert.equal(fake.count('codes'), 1)

    const withdrawn = await fake.unauthorize(merchant)
    assert.equal(withdrawn.answer, 'success')
    const refused = await example.get(`/merchants/${merchant}/code?scene=table%3D8`, { 'Accept-Language': 'en' })
    const problem = await refused.json()
    // Visitors are not told what is wrong with an account: the log is.
    assert.deepEqual([refused.status, problem.errcode], [502, undefined])
    assert.ok(await until(() => example.said.out.includes(`${merchant} has withdrawn`)))
    assert.ok(await until(() => /61003.*authorise/.test(example.said.err)), example.said.err)

    assert.equal(await example.stop(), 0)
    checkText(page + phone + JSON.stringify(problem) + example.said.out + example.said.err, secrets())
  })

  test('knows its merchants again after a restart, and those that were pushed', async (t) => {
    const { fake, open } = await setup(t)
    const first = await open()
    await fake.pushTicket()
    const merchant = newAppid()
    await fake.authorize(merchant)
    const path = `/merchants/${merchant}/code?scene=table%3D1`
    assert.equal((await first.get(path)).status, 200)
    assert.equal(await first.stop(), 0)
    const second = await open()
    await fake.pushTicket({ createTime: Date.now() + 1000 })
    assert.ok(await until(async () => (await second.get(path)).status === 200), second.said.err)
    assert.equal(fake.count('api_query_auth'), 1)
    assert.equal(await second.stop(), 0)
  })

  test('runs without an account', async (t) => {
    const example = await start(t, await freePort())
    const [, path] = await until(() => /curl -o code\.jpg 'http:\/\/[^/]+(\/.*)'/.exec(example.said.out))
    const answer = await example.get(path)
    assert.equal(answer.status, 200)
    assert.equal(decode(Buffer.from(await answer.arrayBuffer())).asked.scene, 'table=7')
    assert.equal(await example.stop(), 0)
  })
})
