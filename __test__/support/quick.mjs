import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A WeChat that draws nothing, for tests of very many codes: whatever it is asked for is a picture that holds the question
 * as its comment, after `delayMs`, of `bytes` at least. `count` is how many it was asked for, `tokens` how many tokens, `open` how many requests
 * wait for their answer, `dropped` how many were closed before it.
 */
export async function startQuickWeChat(t, { delayMs = 0, bytes = 0 } = {}) {
  const seen = { count: 0, tokens: 0, questions: new Set(), open: 0, dropped: 0 }
  const server = createServer((req, res) => {
    let body = ''
    seen.open += 1
    res.on('close', () => {
      seen.open -= 1
      if (!res.writableFinished) seen.dropped += 1
    })
    req.setEncoding('utf8').on('data', (text) => {
      body += text
    })
    req.on('end', async () => {
      if (delayMs > 0) await sleep(delayMs)
      const answer = req.url.startsWith('/cgi-bin/stable_token') ? token(seen) : picture(seen, body, bytes)
      res.writeHead(200, { 'Content-Length': answer.length }).end(answer)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, seen }
}

/** What a picture was asked by. */
export const questionIn = (image) => JSON.parse(image.subarray(6, 4 + image.readUInt16BE(4)).toString())

function token(seen) {
  seen.tokens += 1
  return Buffer.from('{"access_token":"QUICK_TOKEN","expires_in":7200}')
}

/** Start of image, a comment, a scan of so many zeros, end of image. */
function picture(seen, question, bytes) {
  seen.count += 1
  seen.questions.add(question)
  const comment = Buffer.from(question)
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xfe, (comment.length + 2) >> 8, (comment.length + 2) & 255])
  const scan = Buffer.concat([Buffer.from([0xff, 0xda, 0, 2, 0, 0]), Buffer.alloc(bytes)])
  return Buffer.concat([head, comment, scan, Buffer.from([0xff, 0xd9])])
}
