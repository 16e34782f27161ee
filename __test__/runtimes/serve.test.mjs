import assert from 'node:assert/strict'
import { codeHandler } from 'wxacode/web'
import { decode } from '../support/decode.mjs'
import { setup, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

const { Bun, Deno } = globalThis
const name = Bun ? 'Bun.serve' : 'Deno.serve'

/** A site by the runtime's own server, whose handler takes a `Request` and gives a `Response`. */
async function site(t) {
  const here = await setup(t)
  const handler = codeHandler(here.wxa, (req) => ({ scene: new URL(req.url).searchParams.get('scene') ?? 'a' }), {
    onError: () => {},
  })
  const server = Bun
    ? Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (req) => handler(req) })
    : Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: () => {} }, (req) => handler(req))
  t.after(() => (Bun ? server.stop(true) : server.shutdown()))
  const { port } = Bun ? server : server.addr
  return { ...here, url: `http://127.0.0.1:${port}/` }
}

suite(`codes over HTTP by ${name}`, (test) => {
  test('a code, and 304 for a visitor who has it', async (t) => {
    const { url, fake } = await site(t)
    const answer = await fetch(`${url}?scene=id%3D42`)
    const { type, asked } = decode(Buffer.from(await answer.arrayBuffer()))
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type])
    assert.equal(asked.scene, 'id=42')
    const again = await fetch(`${url}?scene=id%3D42`, { headers: { 'If-None-Match': answer.headers.get('etag') } })
    assert.equal(again.status, 304)
    assert.equal(fake.count('codes'), 1)
  })

  test('a problem in the language of the visitor', async (t) => {
    const { url } = await site(t)
    const answer = await fetch(`${url}?scene=%E4%B8%AD`, { headers: { 'Accept-Language': 'zh-CN' } })
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [400, 'application/problem+json'])
    assert.equal((await answer.json()).errcode, 40129)
  })

  test('a visitor who disconnects aborts the request to WeChat', async (t) => {
    const { url, fake } = await site(t)
    fake.hold('codes')
    const visitor = new AbortController()
    const answer = fetch(url, { signal: visitor.signal }).catch((error) => error.name)
    await fake.arrived(1, 'codes')
    visitor.abort()
    assert.equal(await answer, 'AbortError')
    assert.ok(await until(() => fake.open === 0))
  })
})
