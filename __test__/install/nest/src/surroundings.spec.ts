import { WxaCode } from 'wxacode'
import { type FakeOptions, type FakeWeChat, startFakeWeChat } from 'wxacode-fake'

let fake: FakeWeChat

async function start(options?: FakeOptions) {
  fake = await startFakeWeChat(options)
  return new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url, retries: 0 })
}

afterEach(async () => {
  jest.useRealTimers()
  await fake.close()
})

const head = (image: Buffer) => image.subarray(0, 3).toString('latin1')
const JPEG = '\xff\xd8\xff'
const PNG = '\x89PN'

test('pictures of both kinds are drawn', async () => {
  const wxa = await start()
  expect(head(await wxa.getUnlimitedQRCode({ scene: 'a=1' }))).toBe(JPEG)
  expect(head(await wxa.getQRCode({ path: 'a', isHyaline: true, width: 1280 }))).toBe(PNG)
  expect(head(await wxa.createQRCode({ path: 'a?名=茶' }))).toBe(JPEG)
})

test('fake timers hold up neither the fake nor the client, and a token lives as long as it really does', async () => {
  const wxa = await start({ latency: 1 })
  jest.useFakeTimers({ now: new Date('2001-01-01') })
  expect(head(await wxa.getUnlimitedQRCode({ scene: 'a=2' }))).toBe(JPEG)
  jest.advanceTimersByTime(3 * 7_200_000)
  expect(head(await wxa.getUnlimitedQRCode({ scene: 'a=3' }))).toBe(JPEG)
  jest.useRealTimers()
  expect(head(await wxa.getUnlimitedQRCode({ scene: 'a=4' }))).toBe(JPEG)
  expect(fake.count('tokens')).toBe(1)
})

test('what is loaded under fake timers works like what was loaded before', async () => {
  jest.useFakeTimers({ now: 0 })
  jest.resetModules()
  const again: typeof import('wxacode-fake') = require('wxacode-fake')
  fake = await again.startFakeWeChat({ latency: 1 })
  const wxa = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })
  expect(head(await wxa.getUnlimitedQRCode({ scene: 'a=5' }))).toBe(JPEG)
  expect(fake.clock.now()).toBeGreaterThan(Date.parse('2026-01-01'))
})

test('an answer of bytes that were made here is sent', async () => {
  const wxa = await start()
  const image = await wxa.getUnlimitedQRCode({ scene: 'a=6' })
  fake.fail({ status: 200, body: Uint8Array.from(image) }, { endpoint: 'codes' })
  expect((await wxa.getUnlimitedQRCode({ scene: 'a=7' })).equals(image)).toBe(true)
})

test('an errcode is for the call, and what clients learn of it ends with the fake, at the same port too', async () => {
  let port = 0
  for (const scene of ['a=8', 'a=9']) {
    const wxa = await start({ port })
    port = Number(new URL(fake.url).port)
    fake.fail(45009, { times: Number.POSITIVE_INFINITY })
    await minuteWithTimeLeft()
    await expect(wxa.getUnlimitedQRCode({ scene }, { timeoutMs: 5000 })).rejects.toMatchObject({ errcode: 45009 })
    expect([fake.count('tokens'), fake.count('codes')]).toEqual([1, 1])
    await fake.close()
  }
}, 60_000)

/** A call that WeChat refuses for a full minute waits for the next one and repeats, if that begins within its time. */
async function minuteWithTimeLeft() {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < 10_000) await new Promise((resolve) => setTimeout(resolve, left))
}
