import { expect, onTestFinished, test, vi } from 'vitest'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

async function start() {
  const fake = await startFakeWeChat()
  onTestFinished(() => fake.close())
  return { fake, wxacode: new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url, retries: 0 }) }
}

test('a code is requested with its page', async () => {
  const { fake, wxacode } = await start()
  await wxacode.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/goods/detail' })
  expect(JSON.parse(fake.requests.at(-1)?.body ?? '')).toMatchObject({ scene: 'id=42', page: 'pages/goods/detail' })
})

test('an unpublished page is reported, also with fake timers', async () => {
  vi.useFakeTimers()
  onTestFinished(() => vi.useRealTimers())
  const { fake, wxacode } = await start()
  fake.fail(41030)
  await expect(wxacode.getUnlimitedQRCode({ scene: 'id=42' })).rejects.toMatchObject({ errcode: 41030 })
  await wxacode.getUnlimitedQRCode({ scene: 'id=42' })
})
