import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { WxaCode } from 'wxacode'
import { certificates } from './support/certificates.mjs'
import { failure, suite } from './support/suite.mjs'

const CREDENTIALS = { appid: 'wx0123456789abcdef', secret: '0123456789abcdef0123456789abcdef', retries: 0 }

/** A whole JPEG of so many bytes: its start, a scan of numbers, its end. */
function jpeg(bytes) {
  const image = Buffer.from(Array.from({ length: bytes }, (_, n) => (n * 31) % 251))
  image.set([0xff, 0xd8, 0xff, 0xda, 0, 2], 0)
  image.set([0xff, 0xd9], bytes - 2)
  return image
}

/** A server that sends pictures in pieces of these sizes, over TLS where it has papers; and a client of it. */
async function setupPieces(t, sizes, image, papers) {
  const respond = async (request, response) => {
    request.resume()
    if (request.url.includes('stable_token')) return response.end('{"access_token":"T","expires_in":7200}')
    let from = 0
    for (const size of sizes) {
      response.write(image.subarray(from, from + size))
      from += size
      // So that the next piece is read by itself.
      await sleep(15)
    }
    response.end(image.subarray(from))
  }
  const server = papers ? createSecureServer(papers, respond) : createServer(respond)
  // The client may still connect once more in the background when the server closes.
  const sockets = new Set()
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `${papers ? 'https' : 'http'}://127.0.0.1:${server.address().port}`
  const wxa = new WxaCode({ ...CREDENTIALS, baseUrl, ca: papers?.ca, cache: false })
  t.after(async () => {
    await wxa.close()
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return wxa
}

suite('pictures that arrive in pieces', (test) => {
  const image = jpeg(60_000)
  for (const [name, sizes] of Object.entries({
    'one piece': [],
    'large pieces': [20_000, 20_000],
    'small pieces': [3, 1, 1, 100, 2000],
    'small and large pieces in turn': [10, 20_000, 10, 20_000, 10],
    'a piece that ends in the middle of the end marker': [59_999],
  })) {
    test(`${name} become one Buffer of all bytes`, async (t) => {
      const wxa = await setupPieces(t, sizes, image)
      const code = await wxa.getUnlimitedQRCode({ scene: 'a' })
      assert.ok(Buffer.isBuffer(code) && code.equals(image))
      assert.equal(code.buffer.byteLength, image.length, 'memory of its own')
    })
  }

  test('the records of TLS become one Buffer, for calls at the same time', async (t) => {
    const wxa = await setupPieces(t, [], image, await certificates())
    const codes = await Promise.all(Array.from({ length: 20 }, () => wxa.getUnlimitedQRCode({ scene: 'a' })))
    assert.ok(codes.every((code) => code.equals(image)))
  })

  test('a picture whose last piece lacks the end is an error', async (t) => {
    const wxa = await setupPieces(t, [20_000, 20_000], image.subarray(0, -1))
    const error = await failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
    assert.equal(error.code, 'ERR_WXA_RESPONSE')
  })
})
