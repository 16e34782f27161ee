import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { GOOD, PATHS, raw, start } from './helpers.mjs'

/** The next warning of a fake that could not answer. */
async function warning() {
  for (;;) {
    const [warned] = await once(process, 'warning')
    if (warned.code === 'WXACODE_FAKE_FAILED') return warned
  }
}

test('an exception in where makes a 500 with the reason and a warning, and no waiter hangs', async (t) => {
  const { fake, errcode, stable } = await start(t)
  const mistake = new RangeError('no such shop')
  fake.fail(41030, {
    endpoint: 'codes',
    where() {
      throw mistake
    },
  })
  const warned = warning()
  const res = await fetch(`${fake.url}${PATHS.getwxacodeunlimit}`, { method: 'POST', body: '{}' })
  assert.equal(res.status, 500)
  assert.equal(await res.text(), 'wxacode-fake failed: RangeError: no such shop\n')
  const { name, message, detail } = await warned
  assert.equal(name, 'WxaCodeFakeWarning')
  assert.match(message, /a request to \/wxa\/getwxacodeunlimit and sent a 500: RangeError: no such shop/)
  assert.match(detail, /mistakes\.test\.mjs/, 'with the stack')
  await fake.idle()
  const { status, error, closed } = fake.requests.at(-1)
  assert.deepEqual({ status, error, closed }, { status: 500, error: mistake, closed: false })
  assert.ok((await stable()).access_token)
  assert.equal(await errcode('quota/get', GOOD.queryscheme, 'x'), 40001)
})

test('an exception in where makes a 500 for a held request and for a delayed response', async (t) => {
  const { fake, post } = await start(t, { latency: { code: 1 } })
  const hold = fake.hold('codes')
  fake.fail(41030, {
    where() {
      throw null
    },
  })
  const held = post('getwxacodeunlimit', '{}')
  await fake.arrived(1)
  hold.release()
  assert.equal(await (await held).text(), 'wxacode-fake failed: null\n')
})

test('a response that HTTP cannot carry makes a 500 and a warning', async (t) => {
  const { fake, post } = await start(t, { latency: 1 })
  for (const what of [{ status: 20_000 }, { status: 200, headers: { 'bad header': 'x' } }, { status: 200, body: 42 }]) {
    fake.fail(what, { endpoint: 'createwxaqrcode' })
    const res = await post('createwxaqrcode', '{}')
    assert.equal(res.status, 500)
    assert.match(await res.text(), /^wxacode-fake failed: \w*Error/)
  }
  fake.fail({ status: 200, headers: { 'Content-Length': '2' }, body: {} }, { endpoint: 'createwxaqrcode' })
  const { error, status } = await raw(`${fake.url}${PATHS.createwxaqrcode}`, { body: '{}' })
  assert.ok(error || status === 500)
  await fake.idle()
  assert.ok(fake.requests.at(-1).error)
  assert.equal(fake.requests.at(-1).closed, false)
})
