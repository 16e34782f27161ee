import assert from 'node:assert/strict'
import { createDecipheriv, hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** What is behind an `Encrypt`, by WeChat's description of it and not by the code of the fake. */
export function decrypt(encrypted, encodingAESKey) {
  const key = Buffer.from(`${encodingAESKey}=`, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(encrypted, 'base64'), decipher.final()])
  const padding = padded.at(-1)
  assert.ok(padded.subarray(-padding).every((byte) => byte === padding))
  const plain = padded.subarray(0, -padding)
  const end = 20 + plain.readUInt32BE(16)
  return {
    random: plain.subarray(0, 16).toString(),
    message: plain.subarray(20, end).toString(),
    appid: plain.subarray(end).toString(),
    padding,
  }
}

export const sign = (...parts) => hash('sha1', parts.toSorted().join(''))

/** The elements of a flat XML. */
export const elementsOf = (xml) =>
  Object.fromEntries(
    [...xml.matchAll(/<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))<\/\1>/gs)].map(([, name, cdata, text]) => [
      name,
      cdata ?? text,
    ]),
  )

/** A server for pushes: keeps them as they came, and answers what `answer` says. */
export async function startReceiver(t, answer = (_req, res) => res.end('success')) {
  const pushes = []
  const waiting = []
  const server = createServer(async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    pushes.push({
      req,
      query: Object.fromEntries(new URL(req.url, 'http://x').searchParams),
      body: `${Buffer.concat(chunks)}`,
    })
    for (const wake of waiting.splice(0)) wake()
    answer(req, res)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    pushUrl: `http://127.0.0.1:${server.address().port}/wechat/push`,
    pushes,
    /** Resolves when so many pushes have come. */
    async received(n) {
      while (pushes.length < n) await new Promise((resolve) => waiting.push(resolve))
    },
  }
}

/** What a push says to a platform that checks it as it has to. */
export function open({ query, body }, { appid, pushToken, encodingAESKey }) {
  const envelope = elementsOf(body)
  assert.equal(query.msg_signature, sign(pushToken, query.timestamp, query.nonce, envelope.Encrypt))
  const { message, appid: encryptedAppid } = decrypt(envelope.Encrypt, encodingAESKey)
  assert.equal(encryptedAppid, appid)
  return elementsOf(message)
}
