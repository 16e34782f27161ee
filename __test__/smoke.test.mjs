import assert from 'node:assert/strict'
import { suite, world, failure, times } from './support/suite.mjs'
import { decode } from './support/decode.mjs'
import { certificates } from './support/certificates.mjs'
suite('smoke', (test) => {
  test('a', async (t) => {
    const { wxa } = await world(t)
    const t0 = performance.now()
    const images = await Promise.all(times(100, (n) => wxa.getUnlimitedQRCode({ scene: `n=${n}`, width: 280 })))
    console.log('got', performance.now() - t0)
    images.map(decode)
    console.log('decoded', performance.now() - t0)
    const i2 = await Promise.all(times(100, (n) => wxa.getUnlimitedQRCode({ scene: `m=${n}`, width: 280, isHyaline: true })))
    console.log('got', performance.now() - t0)
    console.log(i2.map(decode)[0])
    console.log('decoded', performance.now() - t0)
  })
  test('tls', async (t) => {
    const { ca, key, cert } = await certificates()
    const { wxa, client } = await world(t, { tls: { key, cert } })
    console.log((await failure(wxa.getAccessToken())))
    await client({ ca }).getAccessToken()
    const { wxa: nope } = await world(t, {}, { baseUrl: 'https://nohost.invalid' })
    const t0 = performance.now()
    console.log((await failure(nope.getAccessToken())).message, performance.now() - t0)
  })
})
