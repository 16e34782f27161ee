import assert from 'node:assert/strict'
import { decode } from '../support/decode.mjs'
import { suite } from '../support/suite.mjs'
import { frameworks } from './frameworks.mjs'
import { site } from './site.mjs'

for (const name of Object.keys(frameworks)) {
  suite(`a code over HTTP: ${name}`, (test) => {
    test('is the picture for the parameters that the mapping returned', async (t) => {
      const { ask, fake } = await site(t, name)
      const { status, headers, body } = await ask('/code?scene=id%3D42')
      assert.equal(status, 200)
      const { scene, page } = decode(body).asked
      assert.deepEqual({ scene, page }, { scene: 'id=42', page: 'pages/index/index' })
      assert.equal(headers['content-type'], 'image/jpeg')
      assert.equal(headers['content-length'], String(body.length))
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cache-control'], 'private, max-age=3600')
      assert.match(headers.etag, /^"[\w-]{27}"$/)
      assert.equal(headers['content-disposition'], undefined)
      assert.equal(fake.count('codes'), 1)
    })

    test('has the content type of its bytes: a transparent one is a PNG', async (t) => {
      const { ask } = await site(t, name, { toCode: () => ({ scene: 'a', isHyaline: true }) })
      const { headers, body } = await ask()
      assert.equal(headers['content-type'], 'image/png')
      assert.equal(decode(body).type, 'image/png')
    })

    for (const [kind, endpoint, params] of [
      ['unlimited', 'getwxacodeunlimit', { scene: 'a' }],
      ['limited', 'getwxacode', { path: 'pages/index/index?id=1' }],
      ['qrcode', 'createwxaqrcode', { path: 'pages/index/index?id=1' }],
    ]) {
      test(`of the kind ${kind}`, async (t) => {
        const { ask, fake } = await site(t, name, { toCode: async () => ({ kind, ...params }) })
        const { status, body } = await ask()
        assert.equal(status, 200)
        const { appid, env_version, ...question } = decode(body).asked
        assert.deepEqual(question, { kind, ...params })
        assert.equal(fake.count(endpoint), 1)
      })
    }

    test('HEAD of a cached code is GET without the body', async (t) => {
      const { ask } = await site(t, name, { client: { cache: true } })
      const [get, head] = [await ask(), await ask('/code', { method: 'HEAD' })]
      assert.equal(head.status, 200)
      assert.equal(head.body.length, 0)
      for (const header of ['content-type', 'content-length', 'etag', 'cache-control', 'x-content-type-options']) {
        assert.equal(head.headers[header], get.headers[header], header)
      }
    })

    test('HEAD of a problem returns its headers', async (t) => {
      const { ask } = await site(t, name, { toCode: () => ({ scene: '' }) })
      const { status, headers, body } = await ask('/code', { method: 'HEAD' })
      assert.equal(status, 400)
      assert.equal(body.length, 0)
      assert.equal(headers['cache-control'], 'no-store')
    })

    test('parts of the query that the mapping does not return do not reach WeChat', async (t) => {
      const { ask, fake } = await site(t, name)
      await ask('/code?scene=b&page=pages/other&width=1280&env_version=trial&access_token=mine&kind=limited')
      const { endpoint, body, query } = fake.requests.at(-1)
      assert.equal(endpoint, 'getwxacodeunlimit')
      assert.deepEqual(JSON.parse(body), { scene: 'b', page: 'pages/index/index' })
      assert.deepEqual(Object.keys(query), ['access_token'])
      assert.notEqual(query.access_token, 'mine')
    })

    for (const nothing of [null, undefined]) {
      test(`a mapping that returns ${nothing} makes a 404`, async (t) => {
        const { ask, codes, failures } = await site(t, name, { toCode: () => nothing })
        const { status, problem, headers } = await ask()
        assert.equal(status, 404)
        assert.deepEqual(problem, {
          type: 'about:blank',
          title: 'Not Found',
          status: 404,
          detail: 'No such mini-program code',
        })
        assert.equal(headers['cache-control'], 'no-store')
        assert.equal(codes(), 0)
        assert.deepEqual(failures, [])
      })
    }

    for (const [how, toCode] of Object.entries({
      throws: () => {
        throw new Error('no such shop')
      },
      'rejects with': async () => {
        throw new Error('no such shop')
      },
    })) {
      test(`the framework handles what the mapping ${how}`, async (t) => {
        const { ask, codes, failures } = await site(t, name, { toCode })
        const { status, body } = await ask()
        assert.equal(status, 500)
        assert.deepEqual(JSON.parse(body), { thrown: 'no such shop' })
        assert.equal(codes(), 0)
        assert.deepEqual(failures, [])
      })
    }

    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      test(`${method} makes a 405`, async (t) => {
        const { ask, fake, failures } = await site(t, name)
        const { status, headers, problem } = await ask('/code', { method })
        assert.equal(status, 405)
        assert.equal(headers.allow, 'GET, HEAD')
        assert.equal(problem.detail, 'Use GET or HEAD')
        assert.equal(fake.count(), 0)
        assert.deepEqual(failures, [])
      })
    }

    test('Cache-Control follows the options', async (t) => {
      const cacheControl = 'public, max-age=31536000, immutable'
      const { ask } = await site(t, name, { options: { cacheControl } })
      const { headers } = await ask()
      assert.equal(headers['cache-control'], cacheControl)
      const known = await ask('/code', { headers: { 'if-none-match': headers.etag } })
      assert.equal(known.headers['cache-control'], cacheControl)
    })

    test('Cache-Control is absent when the options say so', async (t) => {
      const { ask } = await site(t, name, { options: { cacheControl: false } })
      assert.equal((await ask()).headers['cache-control'], undefined)
    })

    test('has a file name when the visitor requests a download', async (t) => {
      const options = {
        filename: (code, req) => `${code.scene} ${new URL(req.url, 'http://here').searchParams.get('as')}`,
        download: (req) => req.url.includes('download'),
      }
      const { ask } = await site(t, name, { options })
      const shown = await ask('/code?scene=s&as=poster')
      assert.equal(shown.headers['content-disposition'], 'inline; filename="s poster.jpg"')
      const saved = await ask(`/code?scene=s&download&as=${encodeURIComponent('海报')}`)
      assert.equal(
        saved.headers['content-disposition'],
        `attachment; filename="s __.jpg"; filename*=UTF-8''s%20%E6%B5%B7%E6%8A%A5.jpg`,
      )
    })

    test('functions of the options may be async', async (t) => {
      const options = { filename: async () => 'poster', download: async () => false }
      const { ask } = await site(t, name, { options })
      assert.equal((await ask()).headers['content-disposition'], 'inline; filename="poster.jpg"')
    })

    test('an invalid file name is an error before a request to WeChat', async (t) => {
      const { ask, codes, thrown } = await site(t, name, { options: { filename: () => 42 } })
      assert.equal((await ask()).status, 500)
      assert.deepEqual([thrown[0].code, thrown[0].param], ['ERR_WXA_PARAMS', 'filename'])
      assert.equal(codes(), 0)
    })

    test('the framework handles what the functions of the options throw', async (t) => {
      for (const options of [
        {
          filename: () => {
            throw new Error('no name')
          },
        },
        {
          download: () => {
            throw new Error('no name')
          },
        },
      ]) {
        const { ask, codes } = await site(t, name, { options })
        const { status, body } = await ask()
        assert.equal(status, 500)
        assert.deepEqual(JSON.parse(body), { thrown: 'no name' })
        assert.equal(codes(), 0)
      }
    })
  })
}
