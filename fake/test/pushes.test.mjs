import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { generate } from 'selfsigned'
import { startFakeWeChat } from '../index.js'
import crypto from '../src/platform/push-crypto.js'
import { callsOf, startPlatform } from './platform-helpers.mjs'
import { decrypt, elementsOf, open, sign, startReceiver } from './receiver.mjs'
import { loadInSandbox } from './sandbox.mjs'

/** WeChat's own sample data. */
const SAMPLE = { pushToken: 'AAAAA', encodingAESKey: 'A'.repeat(43), appid: 'wx134c8103faa5a59e' }
const VECTORS = [
  {
    timestamp: '1715943329',
    nonce: '1590219412',
    random: '1205899eaf019bbd',
    length: 292,
    padding: 22,
    msgSignature: '6c12a4205838198b8fa631b3220723bb07f1015c',
    encrypted:
      'D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80F4VtsdvE//1vr7oAbqjDv8KenVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgvAn+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8YOywma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQiY/Jd1svvuskA1wLef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg==',
  },
  {
    timestamp: '1713424427',
    nonce: '415670741',
    random: '999951349e8ee746',
    message: '<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>',
    msgSignature: '03e0812039325c2712ef5f0f980fd14c70d6e307',
    encrypted:
      'hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7',
  },
]

for (const { timestamp, nonce, random, length, padding, message, msgSignature, encrypted } of VECTORS) {
  test(`the sample of ${timestamp} is decrypted and encrypted as by WeChat`, () => {
    const opened = decrypt(encrypted, SAMPLE.encodingAESKey)
    assert.deepEqual([opened.random, opened.appid], [random, SAMPLE.appid])
    if (message === undefined) assert.deepEqual([opened.message.length, opened.padding], [length, padding])
    else assert.equal(opened.message, message)
    const by = { ...SAMPLE, random: Buffer.from(random) }
    assert.equal(crypto.encrypt(opened.message, by), encrypted)
    assert.equal(crypto.signatureOf(SAMPLE.pushToken, timestamp, nonce, encrypted), msgSignature)
    assert.equal(sign(SAMPLE.pushToken, timestamp, nonce, encrypted), msgSignature)
  })
}

test('signature covers token, timestamp and nonce only', () => {
  const [{ timestamp, nonce }] = VECTORS
  assert.equal(crypto.signatureOf(SAMPLE.pushToken, timestamp, nonce), 'cc0c594499c1634947d5b502f158ee518947db27')
})

test('messages of any length are padded by 1 to 32 bytes', () => {
  const paddings = new Set()
  for (let length = 0; length < 64; length++) {
    const message = 'x'.repeat(length)
    const opened = decrypt(crypto.encrypt(message, SAMPLE), SAMPLE.encodingAESKey)
    assert.equal(opened.message, message)
    assert.equal(opened.padding, 32 - ((20 + length + SAMPLE.appid.length) % 32))
    paddings.add(opened.padding)
  }
  assert.equal(paddings.size, 32)
})

test('a ticket is an encrypted POST of XML, and its answer is returned', async (t) => {
  const { fake, platform, receiver } = await startPlatform(t)
  const { at, status, answer, infoType, message, url, body } = await fake.pushTicket()
  assert.deepEqual([status, answer, infoType], [200, 'success', 'component_verify_ticket'])
  const [push] = receiver.pushes
  assert.equal(push.req.method, 'POST')
  assert.equal(push.req.headers['content-type'], 'text/xml')
  assert.equal(new URL(url).pathname + new URL(url).search, push.req.url)
  assert.equal(body, push.body)
  const { query } = push
  assert.deepEqual(Object.keys(query), ['signature', 'timestamp', 'nonce', 'encrypt_type', 'msg_signature'])
  assert.equal(query.encrypt_type, 'aes')
  assert.equal(query.signature, sign(platform.pushToken, query.timestamp, query.nonce))
  assert.equal(Number(query.timestamp), Math.floor(at / 1000))
  assert.deepEqual(Object.keys(elementsOf(push.body)), ['AppId', 'Encrypt'])
  assert.equal(elementsOf(push.body).AppId, platform.appid)
  const [ticket] = fake.liveTickets()
  assert.match(ticket, /^ticket@@@[\w-]{64}$/)
  const elements = {
    AppId: platform.appid,
    CreateTime: query.timestamp,
    InfoType: 'component_verify_ticket',
    ComponentVerifyTicket: ticket,
  }
  assert.deepEqual(open(push, platform), elements)
  assert.deepEqual(elementsOf(message), elements)
  assert.deepEqual(fake.pushes.length, 1)
  assert.equal(fake.pushes[0].body, push.body)
  assert.equal(fake.pushes[0].platform, platform.appid)
  assert.equal(fake.count(), 0, 'what arrives at the fake is counted, not what it sends')
})

test('a ticket is pushed for an hour and valid for 12 hours after its last push', async (t) => {
  const { fake, componentToken } = await startPlatform(t)
  const pushed = async (options) => elementsOf((await fake.pushTicket(options)).message).ComponentVerifyTicket
  const first = await pushed()
  fake.clock.advance(3000)
  assert.equal(await pushed(), first)
  fake.clock.advance(700)
  const second = await pushed()
  assert.notEqual(second, first)
  const third = await pushed({ newTicket: true })
  assert.deepEqual(fake.liveTickets(), [third, second, first])
  for (const ticket of [first, second, third]) {
    assert.ok((await componentToken({ component_verify_ticket: ticket })).component_access_token)
  }
  assert.equal(await pushed({ ticket: first }), first, 'an earlier one again')
  fake.clock.advance(40_000)
  assert.deepEqual(fake.liveTickets(), [third, second, first], '12 hours after its first push')
  fake.clock.advance(2900)
  assert.deepEqual(fake.liveTickets(), [third, second])
  assert.equal((await componentToken({ component_verify_ticket: first })).errcode, 61005)
  assert.ok((await componentToken({ component_verify_ticket: second })).component_access_token)
  fake.clock.advance(400)
  const { errcode, errmsg } = await componentToken({ component_verify_ticket: third })
  assert.equal(errcode, 61005)
  assert.match(errmsg, /^component ticket is expired rid: /)
})

test('pushes out of order, replayed, and with what a platform has to refuse', async (t) => {
  const { fake, platform, receiver } = await startPlatform(t)
  const createTime = new Date('2026-01-02T03:04:05Z')
  await fake.pushTicket({ createTime })
  await fake.pushTicket({ createTime: Number(createTime) - 600_000 })
  assert.deepEqual(
    receiver.pushes.map((push) => Number(open(push, platform).CreateTime)),
    [1_767_323_045, 1_767_322_445],
  )
  const [{ url, body }] = fake.pushes
  await fetch(url, { method: 'POST', body })
  assert.deepEqual(open(receiver.pushes[2], platform), open(receiver.pushes[0], platform))

  await fake.pushTicket({ msgSignature: '0'.repeat(40) })
  const forged = receiver.pushes.at(-1)
  assert.equal(forged.query.msg_signature, '0'.repeat(40))
  assert.equal(forged.query.signature, sign(platform.pushToken, forged.query.timestamp, forged.query.nonce))
  assert.throws(() => open(forged, platform))

  await fake.pushTicket({ encryptedAppid: 'wx0000000000000000' })
  const foreign = elementsOf(receiver.pushes.at(-1).body)
  assert.equal(decrypt(foreign.Encrypt, platform.encodingAESKey).appid, 'wx0000000000000000')
  assert.equal(foreign.AppId, platform.appid)

  const encodingAESKey = 'k'.repeat(43)
  await fake.pushTicket({ encodingAESKey })
  assert.equal(open(receiver.pushes.at(-1), { ...platform, encodingAESKey }).AppId, platform.appid)

  await fake.pushTicket({ receiverElement: 'ToUserName' })
  const push = receiver.pushes.at(-1)
  assert.deepEqual(Object.keys(elementsOf(push.body)), ['ToUserName', 'Encrypt'])
  assert.equal(elementsOf(push.body).ToUserName, platform.appid)
  assert.equal(open(push, platform).AppId, platform.appid)
})

test('push sends any message', async (t) => {
  const { fake, platform, receiver } = await startPlatform(t)
  fake.clock.set(1_700_000_000_000)
  const { infoType } = await fake.push({ InfoType: 'notify_third_fasteregister', status: 0, name: '茶 ]]> & <店>' })
  assert.equal(infoType, 'notify_third_fasteregister')
  const { message } = fake.pushes[0]
  assert.match(message, /<CreateTime>17000000\d\d<\/CreateTime>\n<InfoType><!\[CDATA\[/)
  assert.match(message, /<status>0<\/status>\n<name><!\[CDATA\[茶 \]\]\]\]><!\[CDATA\[> & <店>\]\]><\/name>/)
  await fake.push({ AppId: 'other', CreateTime: 1, Event: 'x' }, { createTime: 5000 })
  assert.deepEqual(open(receiver.pushes[1], platform), { AppId: 'other', CreateTime: '1', Event: 'x' })
  assert.equal(fake.pushes[1].infoType, undefined)
  await fake.push('<!DOCTYPE a><xml/>')
  const { Encrypt } = elementsOf(receiver.pushes[2].body)
  assert.equal(decrypt(Encrypt, platform.encodingAESKey).message, '<!DOCTYPE a><xml/>')
})

test('a receiver may answer anything, and a platform without an answer is an error', async (t) => {
  let reply = (res) => res.writeHead(500).end('later')
  const { fake, given, platform, componentToken } = await startPlatform(t, { answer: (_req, res) => reply(res) })
  const { status, answer, error } = await fake.pushTicket()
  assert.deepEqual([status, answer, error], [500, 'later', undefined])
  assert.ok((await componentToken()).component_access_token, 'the ticket is valid nevertheless')
  reply = (res) => res.destroy()
  await assert.rejects(
    fake.pushTicket(),
    /a push to http:\/\/127\.0\.0\.1:\d+\/wechat\/push got no answer: socket hang up/,
  )
  assert.match(fake.pushes.at(-1).error.message, /socket hang up/)
  assert.equal(fake.pushes.at(-1).status, undefined)
  reply = (res) => {
    res.writeHead(200, { 'Content-Length': 7 })
    res.write('suc', () => res.destroy())
  }
  await assert.rejects(fake.authorize('wxaaaaaaaaaaaaaaaa'), /got no answer/)
  await assert.rejects(fake.unauthorize('wxaaaaaaaaaaaaaaaa'), /got no answer/, 'it had been authorised')
  given.pushUrl = undefined
  for (const control of ['pushTicket', 'push', 'authorize']) {
    await assert.rejects(fake[control]('wxaaaaaaaaaaaaaaaa'), { name: 'TypeError', message: /has no pushUrl/ }, control)
  }
  await assert.rejects(
    fake.unauthorize('wxaaaaaaaaaaaaaaaa', { push: false }),
    /has not authorised/,
    'nothing had changed',
  )
  await fake.authorize('wxaaaaaaaaaaaaaaaa', { push: false })
  await assert.rejects(fake.unauthorize('wxaaaaaaaaaaaaaaaa'), { name: 'TypeError', message: /has no pushUrl/ })
  await fake.unauthorize('wxaaaaaaaaaaaaaaaa', { push: false })
  const other = await startReceiver(t)
  given.pushUrl = `${other.pushUrl}?shop=1&nonce=2`
  await fake.pushTicket()
  assert.equal(other.pushes[0].query.shop, '1')
  assert.equal(other.pushes[0].req.url.match(/nonce=/g).length, 1)
  assert.equal(open(other.pushes[0], platform).InfoType, 'component_verify_ticket')
})

test('https, with a certificate that has to be trusted', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }])
  const server = createServer({ key, cert }, (_req, res) => res.end('success'))
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { fake, given } = await startPlatform(t)
  given.pushUrl = `https://127.0.0.1:${server.address().port}/`
  await assert.rejects(fake.pushTicket(), /got no answer: self-signed certificate/)
})

test('a push whose answer does not come ends after 5 seconds, or with the fake', async (t) => {
  const { fake, receiver } = await startPlatform(t, { answer() {} })
  const late = fake.pushTicket()
  await assert.rejects(late, /no answer within 5000 ms/)
  const cut = fake.pushTicket()
  await receiver.received(2)
  const isCut = assert.rejects(cut, /the fake WeChat was closed/)
  await fake.close()
  await isCut
  await assert.rejects(fake.pushTicket(), /the fake WeChat was closed/)
})

test('at most keepRequests pushes are kept', async (t) => {
  const { fake } = await startPlatform(t, { keepRequests: 2 })
  for (const InfoType of ['a', 'b', 'c']) await fake.push({ InfoType })
  assert.deepEqual(
    fake.pushes.map(({ infoType }) => infoType),
    ['b', 'c'],
  )
})

test('automatic pushes come every 10 minutes of the clock, unless they are stopped', async (t) => {
  const { fake, given, receiver, component, platform } = await startPlatform(t)
  fake.clock.advance(3600)
  assert.equal(fake.pushes.length, 0, 'not without being asked for')
  given.automaticPushes = true
  fake.clock.advance(601)
  await receiver.received(1)
  assert.equal(open(receiver.pushes[0], platform).InfoType, 'component_verify_ticket')
  fake.clock.advance(300)
  assert.equal(fake.pushes.length, 1)
  fake.clock.advance(301)
  assert.equal(fake.pushes.length, 2)
  fake.clock.advance(6000)
  assert.equal(fake.pushes.length, 3, 'one for all that were skipped')
  fake.clock.set(fake.clock.now() - 86_400_000)
  assert.equal(fake.pushes.length, 3)
  fake.clock.advance(601)
  assert.equal(fake.pushes.length, 4, 'also after the clock was set back')
  await receiver.received(4)

  const startPushes = () => component('api_start_push_ticket', { component_secret: platform.secret })
  assert.deepEqual(await startPushes(), { errcode: 0, errmsg: 'in a normal state' })
  fake.stopPushes()
  fake.clock.advance(1200)
  assert.equal(fake.pushes.length, 4)
  await fake.pushTicket()
  assert.equal(fake.pushes.length, 5, 'one that a test asks for')
  assert.deepEqual(await startPushes(), { errcode: 0, errmsg: 'ok' })
  await receiver.received(6)
  fake.clock.advance(601)
  await receiver.received(7)
  assert.deepEqual(await startPushes(), { errcode: 0, errmsg: 'in a normal state' })
})

test('an automatic push without an answer is recorded, and nothing fails', async (t) => {
  const { fake } = await startPlatform(t, { answer: (_req, res) => res.destroy(), platform: { automaticPushes: true } })
  fake.clock.advance(601)
  while (fake.pushes[0].error === undefined) await setTimeout(5)
  assert.match(fake.pushes[0].error.message, /socket hang up/)
})

test('several platforms', async (t) => {
  const receivers = [await startReceiver(t), await startReceiver(t)]
  const fake = await startFakeWeChat({ platforms: receivers.map(({ pushUrl }) => ({ pushUrl })) })
  t.after(() => fake.close())
  const [first, second] = fake.platforms
  assert.equal(new Set([first, second].flatMap((one) => Object.values(one))).size, 8)
  const options = { platform: second.appid }
  await fake.pushTicket()
  await fake.pushTicket(options)
  assert.deepEqual(
    receivers.map(({ pushes }) => pushes.length),
    [1, 1],
  )
  assert.equal(open(receivers[1].pushes[0], second).AppId, second.appid)
  assert.notDeepEqual(fake.liveTickets(options), fake.liveTickets())
  const { componentToken, ready, merchant, refresh, list } = callsOf(fake, second)
  assert.equal((await componentToken({ component_verify_ticket: fake.liveTickets()[0] })).errcode, 61006)
  const token = await ready()
  const { authorizer_refresh_token: refreshToken } = await merchant(token, 'wxaaaaaaaaaaaaaaaa')
  assert.ok((await refresh(token, 'wxaaaaaaaaaaaaaaaa', refreshToken)).authorizer_access_token)
  const ofFirst = callsOf(fake, first)
  const other = await ofFirst.ready()
  assert.equal((await ofFirst.refresh(other, 'wxaaaaaaaaaaaaaaaa', refreshToken)).errcode, 61003)
  assert.equal((await ofFirst.list(other)).total_count, 0)
  assert.equal((await list(token)).total_count, 1)
  assert.equal((await ofFirst.list(token)).errcode, 61011, 'the other component_appid')
  await assert.rejects(fake.unauthorize('wxaaaaaaaaaaaaaaaa'), /has not authorised/)
  assert.equal((await fake.unauthorize('wxaaaaaaaaaaaaaaaa', options)).platform, second.appid)
  fake.stopPushes(options)
  const startPushes = ({ component, platform }) =>
    component('api_start_push_ticket', { component_secret: platform.secret })
  assert.equal((await startPushes(ofFirst)).errmsg, 'in a normal state')
  assert.equal((await startPushes(callsOf(fake, second))).errmsg, 'ok')
})

test('mistakes are named', async (t) => {
  const without = await startFakeWeChat()
  t.after(() => without.close())
  assert.deepEqual(without.platforms, [])
  await assert.rejects(without.pushTicket(), { name: 'TypeError', message: /this fake has none/ })
  const { fake } = await startPlatform(t)
  await assert.rejects(fake.pushTicket({ platform: 'wx0' }), {
    name: 'TypeError',
    message: /there is no 'wx0', only wx/,
  })
  await assert.rejects(fake.authorize(''), { name: 'TypeError', message: /appid is missing/ })
  await assert.rejects(fake.unauthorize('wx0'), { name: 'TypeError', message: /'wx0' has not authorised/ })
  await assert.rejects(startFakeWeChat({ platforms: [{ encodingAESKey: 'short' }] }), /43 letters and digits/)
})

test('pushes are the same in another realm, whose time stands still', async (t) => {
  const { pushUrl, pushes } = await startReceiver(t)
  const never = () => 0
  const still = {
    setTimeout: never,
    setInterval: never,
    setImmediate: never,
    queueMicrotask: never,
    clearTimeout: never,
  }
  const fake = await loadInSandbox(still).startFakeWeChat({ platforms: [{ pushUrl, automaticPushes: true }] })
  t.after(() => fake.close())
  assert.equal((await fake.pushTicket()).answer, 'success')
  assert.equal(open(pushes[0], fake.platforms[0]).InfoType, 'component_verify_ticket')
})
