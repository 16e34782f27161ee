// Loaded before the example by `npm start`: where the environment names no bucket, one in the memory of this process. It does what
// the example asks COS for, and checks signatures as COS does.

import { createHash, createHmac } from 'node:crypto'
import { createServer } from 'node:http'

/**
 * @param {{ secretId: string, secretKey: string }} account
 * @returns {Promise<{ domain: string, objects: Map<string, { body: Buffer, type?: string }>, close: () => void }>}
 */
export async function startCos({ secretId, secretKey }) {
  /** @type {Map<string, { body: Buffer, type?: string }>} */
  const objects = new Map()
  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://cos')
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    const signed = new URLSearchParams(req.headers.authorization ?? searchParams.toString())
    if (!isSigned(req, pathname, signed, { secretId, secretKey })) return refuse(res, 403, 'SignatureDoesNotMatch')
    const key = decodeURIComponent(pathname.slice(1))
    if (req.method === 'PUT') objects.set(key, { body: Buffer.concat(chunks), type: req.headers['content-type'] })
    const object = objects.get(key)
    if (object === undefined) return refuse(res, 404, 'NoSuchKey')
    const etag = `"${createHash('md5').update(object.body).digest('hex')}"`
    res.writeHead(200, { ETag: etag, 'Content-Type': object.type ?? 'application/octet-stream' })
    res.end(req.method === 'GET' ? object.body : undefined)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { domain: `http://127.0.0.1:${port}`, objects, close }
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {number} status
 * @param {string} code
 */
function refuse(res, status, code) {
  res.writeHead(status, { 'Content-Type': 'application/xml' })
  res.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

/**
 * Whether a request has the signature that COS documents (XML API, q-sign-algorithm=sha1) and that is still valid.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {string} pathname
 * @param {URLSearchParams} signed
 * @param {{ secretId: string, secretKey: string }} account
 */
function isSigned({ method = '', headers, url = '' }, pathname, signed, { secretId, secretKey }) {
  const of = (/** @type {string} */ name) => signed.get(`q-${name}`) ?? ''
  const query = new URL(url, 'http://cos').searchParams
  const pairs = (/** @type {string} */ names, /** @type {(name: string) => string | null | undefined} */ value) =>
    names
      .split(';')
      .filter((name) => name !== '')
      .map((name) => `${name}=${encode(value(name) ?? '')}`)
      .join('&')
  const asked = [
    method.toLowerCase(),
    decodeURIComponent(pathname),
    pairs(of('url-param-list'), (name) => query.get(name)),
    pairs(of('header-list'), (name) => String(headers[name] ?? '')),
    '',
  ].join('\n')
  const toSign = `sha1\n${of('sign-time')}\n${createHash('sha1').update(asked).digest('hex')}\n`
  const key = createHmac('sha1', secretKey).update(of('key-time')).digest('hex')
  const [from, until] = of('sign-time').split(';').map(Number)
  const now = Date.now() / 1000
  return (
    of('ak') === secretId &&
    of('signature') === createHmac('sha1', key).update(toSign).digest('hex') &&
    from - 60 <= now &&
    now <= until
  )
}

/** @param {string} text */
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

if (!process.env.COS_BUCKET && process.argv[1]?.endsWith('main.js')) {
  const account = { secretId: 'AKID-of-an-example', secretKey: 'key-for-a-day' }
  const { domain, close } = await startCos(account)
  Object.assign(process.env, {
    COS_SECRET_ID: account.secretId,
    COS_SECRET_KEY: account.secretKey,
    COS_BUCKET: 'codes-1250000000',
    COS_REGION: 'ap-shanghai',
    COS_DOMAIN: domain,
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close)
  console.log('no COS_BUCKET: codes are stored in the memory of this process')
}
