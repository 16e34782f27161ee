import { expect, onTestFinished, test, vi } from 'vitest'

// Before anything is loaded: fake timers put themselves into `node:timers` as well.
vi.useFakeTimers({ now: 0 })
const { WxaCode } = await import('wxacode')
const { startFakeWeChat } = await import('wxacode-fake')

test('timers that were faked first hold up neither the fake nor the client', async () => {
  const fake = await startFakeWeChat({ latency: 1 })
  onTestFinished(() => fake.close())
  const wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })
  const jpeg = await wxacode.getUnlimitedQRCode({ scene: 'a=1' })
  expect([...jpeg.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
  vi.advanceTimersByTime(3 * 7_200_000)
  const png = await wxacode.getQRCode({ path: 'a', isHyaline: true })
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  expect(fake.clock.now()).toBeGreaterThan(new Date('2026-01-01').getTime())
  expect(fake.count('tokens')).toBe(1)
})
