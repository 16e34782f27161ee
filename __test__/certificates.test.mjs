import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificates, ownCertificate } from './support/certificates.mjs'
import { run } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { failure, setup, suite } from './support/suite.mjs'

const draw = (wxa) => wxa.createQRCode({ path: 'a', width: 280 })
const DAY = 86_400_000
const daysFromNow = (days) => new Date(Date.now() + days * DAY)

/** What comes of a client with `ca` at a host with `tls`, and that nothing was sent. */
async function refusal(t, tls, options) {
  const { fake, client } = await setup(t, { tls })
  const baseUrl = options.host ? fake.url.replace('127.0.0.1', options.host) : fake.url
  // A certificate is not tried again, but a handshake that takes too long on a busy machine is.
  const error = await failure(draw(client({ ca: options.ca, baseUrl, token: () => 'T-certificates', retries: 5 })))
  assert.equal(error.code, 'ERR_WXA_NETWORK')
  assert.equal(error.retryable, false)
  assert.equal(fake.count(), 0)
  return error.message
}

suite('a self-signed certificate', (test) => {
  for (const isAuthority of [true, false]) {
    test(`is accepted if it was given as ca (basicConstraints CA:${isAuthority})`, async (t) => {
      const tls = await ownCertificate({ isAuthority })
      const { ca: other } = await certificates()
      const { fake, client } = await setup(t, { tls })
      for (const ca of [tls.cert, `${other}\n${tls.cert}`, Buffer.from(tls.cert)]) {
        assert.equal(asked(await draw(client({ ca }))).path, 'a')
      }
      const byName = client({ ca: tls.cert, baseUrl: fake.url.replace('127.0.0.1', 'localhost') })
      assert.equal(asked(await draw(byName)).path, 'a')
    })
  }

  test('is accepted if NODE_EXTRA_CA_CERTS names it', async (t) => {
    const tls = await ownCertificate()
    const { options } = await setup(t, { tls })
    const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'own.pem')
    await writeFile(file, tls.cert)
    const script = `
      const image = await new WxaCode(given).createQRCode({ path: 'a', width: 280 })
      console.log(image.length > 1000)`
    const { stdout, stderr } = await run(script, { given: options, env: { NODE_EXTRA_CA_CERTS: file } })
    assert.equal(stdout, 'true\n', stderr)
  })

  test('is refused unless it was configured, and the message says to configure it', async (t) => {
    for (const isAuthority of [true, false]) {
      const message = await refusal(t, await ownCertificate({ isAuthority }), {})
      assert.match(message, /is self-signed.*as ca\b.*自签名/)
      assert.doesNotMatch(message, /clock|CaUsedAsEndEntity/)
    }
  })

  test('is refused if another with the same name was given', async (t) => {
    const { cert: ca } = await ownCertificate()
    for (const isAuthority of [true, false]) {
      assert.match(await refusal(t, await ownCertificate({ isAuthority }), { ca }), /is self-signed/)
    }
  })

  test('is refused for another host, although it was given', async (t) => {
    for (const isAuthority of [true, false]) {
      const tls = await ownCertificate({ isAuthority, hosts: ['other.example'] })
      const message = await refusal(t, tls, { ca: tls.cert })
      assert.match(message, /is for another host/)
      assert.match(message, /baseUrl/)
    }
    const tls = await ownCertificate({ hosts: ['127.0.0.1'] })
    assert.match(await refusal(t, tls, { ca: tls.cert, host: 'localhost' }), /is for another host/)
  })

  test('is refused without a host name, and the message says how to make one with it', async (t) => {
    const tls = await ownCertificate({ hosts: [] })
    assert.match(await refusal(t, tls, { ca: tls.cert }), /-addext subjectAltName=/)
  })

  test('is refused before and after its validity, although it was given', async (t) => {
    for (const isAuthority of [true, false]) {
      const expired = await ownCertificate({ isAuthority, from: daysFromNow(-10), to: daysFromNow(-1) })
      assert.match(await refusal(t, expired, { ca: expired.cert }), /has expired.*[Rr]enew/)
      const early = await ownCertificate({ isAuthority, from: daysFromNow(2), to: daysFromNow(10) })
      assert.match(await refusal(t, early, { ca: early.cert }), /not valid yet.*clock/)
    }
  })
})

suite('a certificate of an authority', (test) => {
  test('with an unknown root is refused, and the message says how to add the root', async (t) => {
    const { ca: _, ...tls } = await certificates()
    const message = await refusal(t, tls, {})
    assert.match(message, /authority that is not trusted.*\bca\b.*NODE_EXTRA_CA_CERTS/)
    assert.doesNotMatch(message, /clock/)
  })

  test('with the name of one that is trusted and another key is refused as unknown', async (t) => {
    const { ca: namesake } = await certificates()
    const { ca: _, ...tls } = await certificates()
    assert.match(await refusal(t, tls, { ca: namesake }), /authority that is not trusted/)
  })

  test('for another host is refused, and the message names the host', async (t) => {
    const { ca, ...tls } = await certificates({ hosts: ['127.0.0.1', 'other.example'] })
    assert.match(await refusal(t, tls, { ca, host: 'localhost' }), /localhost:\d+ is for another host/)
  })

  test('whose root is among other roots of that name is accepted', async (t) => {
    const { ca, ...tls } = await certificates()
    const { ca: namesake } = await certificates()
    const { client } = await setup(t, { tls })
    assert.equal(asked(await draw(client({ ca: `${namesake}\n${ca}` }))).path, 'a')
  })
})
