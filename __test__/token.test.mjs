import assert from 'node:assert/strict'
import { InvalidParamsError, WeChatAPIError } from 'wxacode'
import { message, run, startWorker } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { deadUrl } from './support/ports.mjs'
import { questionIn, startQuickWeChat } from './support/quick.mjs'
import { allWait, failure, many, newSecret, setup, suite, times } from './support/suite.mjs'

const ask = (wxa, n) => wxa.getUnlimitedQRCode({ scene: `n=${n}`, width: 280 })

/** `n` calls at once, each of which got the picture it asked for. */
async function rightPictures(wxa, n) {
  const images = await Promise.all(times(n, (at) => ask(wxa, at % 10)))
  for (const [at, image] of images.entries()) assert.equal(asked(image).scene, `n=${at % 10}`)
}

const bodies = (fake, endpoint) =>
  fake.requests.filter((one) => one.endpoint === endpoint).map(({ body }) => JSON.parse(body))

const [FIFTY, HUNDRED, TWO_HUNDRED] = [50, 100, 200].map(many)

const usedTokens = (fake) =>
  fake.requests.filter(({ query }) => query.access_token).map(({ query }) => query.access_token)

suite(
  'the access token',
  (test) => {
    test(`${HUNDRED} calls of a new client make 1 token request and get ${HUNDRED} correct pictures`, async (t) => {
      // To draw a hundred takes seconds, and other tests of this process wait for their token.
      const wechat = await startQuickWeChat(t, { delayMs: 100 })
      const { wxa } = await setup(t, {}, { baseUrl: wechat.url })
      const images = await Promise.all(times(HUNDRED, (n) => ask(wxa, n)))
      for (const [n, image] of images.entries()) assert.equal(questionIn(image).scene, `n=${n}`)
      assert.equal(wechat.seen.tokens, 1)
      assert.equal(wechat.seen.count, HUNDRED)
    })

    test('clients of the same account share one token request', async (t) => {
      const { fake, client } = await setup(t)
      const hold = fake.hold('tokens')
      const pictures = Promise.all(times(5, () => rightPictures(client(), 5)))
      await fake.arrived(1, 'tokens')
      hold.release()
      await pictures
      assert.equal(fake.count('tokens'), 1)
    })

    test('the main thread and four workers share one token request', async (t) => {
      const { fake, wxa, options } = await setup(t)
      const hold = fake.hold('tokens')
      const workers = times(4, (n) =>
        startWorker(
          `const image = new WxaCode(given.options).getUnlimitedQRCode({ scene: 'n=' + given.n, width: 280 })
         parentPort.postMessage('asked')
         parentPort.postMessage(await image)`,
          { options, n },
        ),
      )
      const own = ask(wxa, 4)
      const answers = workers.map((worker) => message(worker).then(() => message(worker)))
      await fake.arrived(1, 'tokens')
      await allWait(wxa)
      hold.release()
      const images = await Promise.all([...answers, own])
      assert.deepEqual(
        images.map((image) => asked(image).scene),
        ['n=0', 'n=1', 'n=2', 'n=3', 'n=4'],
      )
      assert.equal(fake.count('tokens'), 1)
    })

    test(`four processes without Redis make one token request each and get ${4 * FIFTY} pictures`, async (t) => {
      const { fake, options } = await setup(t)
      const script = `
      const wxa = new WxaCode(given)
      const images = await Promise.all(Array.from({ length: ${FIFTY} }, () => wxa.getUnlimitedQRCode({ scene: 'a', width: 280 })))
      console.log(images.filter((image) => image.equals(images[0])).length)`
      const ended = await Promise.all(times(4, () => run(script, { given: options })))
      assert.deepEqual(
        ended,
        times(4, () => ({ code: 0, signal: null, stdout: `${FIFTY}\n`, stderr: '' })),
      )
      assert.equal(fake.count('tokens'), 4)
      assert.equal(fake.count('codes'), 4 * FIFTY)
    })

    test(`after a token was revoked elsewhere ${HUNDRED} calls make exactly 1 more token request`, async (t) => {
      const { fake, wxa } = await setup(t)
      await ask(wxa, 0)
      fake.revokeTokens()
      await rightPictures(wxa, HUNDRED)
      assert.equal(fake.count('tokens'), 2)
    })

    for (const token of ['stable', 'classic']) {
      test(`${FIFTY} calls whose token was refused make 1 more token request and 1 replay each (${token})`, async (t) => {
        const { fake, wxa } = await setup(t, {}, { token })
        await ask(wxa, 0)
        const hold = fake.hold('codes')
        const pictures = rightPictures(wxa, FIFTY)
        await fake.arrived(FIFTY + 1, 'codes')
        fake.revokeTokens()
        hold.release()
        await pictures
        assert.equal(fake.count('tokens'), 2)
        assert.equal(fake.count('codes'), 2 * FIFTY + 1)
        assert.equal(wxa.stats().replays, FIFTY)
      })

      for (const errcode of [40001, 40014, 42001]) {
        test(`an API that always answers ${errcode} costs ${TWO_HUNDRED} calls at most 2 token requests (${token})`, async (t) => {
          const { fake, wxa } = await setup(t, {}, { token })
          fake.fail(errcode, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
          const errors = await Promise.all(times(TWO_HUNDRED, (n) => failure(ask(wxa, n))))
          for (const error of errors) {
            assert.ok(error instanceof WeChatAPIError)
            assert.equal(error.errcode, errcode)
            assert.equal(error.endpoint, 'getUnlimitedQRCode')
          }
          assert.ok(fake.count('tokens') <= 2, `${fake.count('tokens')} token requests`)
          assert.ok(fake.count('codes') <= 2 * TWO_HUNDRED, `${fake.count('codes')} code requests`)
        })
      }
    }

    test('consecutive calls to an API that always answers 40001 make no further token requests', async (t) => {
      const { fake, wxa } = await setup(t, {}, { token: 'classic' })
      fake.fail(40001, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
      for (const n of times(20, Number)) assert.equal((await failure(ask(wxa, n))).errcode, 40001)
      assert.ok(fake.count('tokens') <= 2, `${fake.count('tokens')} token requests`)
    })

    test('a call is replayed at most once', async (t) => {
      const { fake, wxa } = await setup(t)
      const where = () => {
        fake.revokeTokens()
        return true
      }
      fake.fail(40001, { endpoint: 'codes', times: Number.POSITIVE_INFINITY, where })
      assert.equal((await failure(ask(wxa, 0))).errcode, 40001)
      assert.equal(fake.count('codes'), 2)
      assert.equal(fake.count('tokens'), 2)
      const [first, second] = usedTokens(fake)
      assert.notEqual(first, second)
    })

    test('a young token that WeChat returns again is not force-refreshed, and the caller gets the refusal', async (t) => {
      const { fake, wxa } = await setup(t)
      fake.fail(40001, { endpoint: 'codes' })
      assert.equal((await failure(ask(wxa, 0))).errcode, 40001)
      assert.equal(fake.count('codes'), 1)
      assert.deepEqual(
        bodies(fake, 'stable_token').map((body) => body.force_refresh ?? false),
        [false, false],
      )
      await ask(wxa, 1)
    })

    test('a refusal that is not about the token keeps the token', async (t) => {
      const { fake, wxa } = await setup(t)
      for (const errcode of [41030, 45029, 48001]) {
        fake.fail(errcode, { endpoint: 'codes' })
        assert.equal((await failure(ask(wxa, 0))).errcode, errcode)
      }
      await ask(wxa, 0)
      assert.equal(fake.count('tokens'), 1)
      assert.equal(wxa.stats().replays, 0)
    })

    test('a token that expired early (42001) is replaced within the call', async (t) => {
      const { fake, wxa } = await setup(t)
      await ask(wxa, 0)
      fake.clock.advance(7300)
      assert.equal(asked(await ask(wxa, 1)).scene, 'n=1')
      assert.equal(fake.count('tokens'), 2)
    })

    for (const [what, errcode] of [
      [-1, -1],
      ['reset', undefined],
      ['close', undefined],
    ]) {
      test(`${what} on stable_token is retried within the shared refresh`, async (t) => {
        const { fake, wxa } = await setup(t)
        fake.fail(what, { endpoint: 'tokens', times: 2 })
        await rightPictures(wxa, 10)
        assert.equal(fake.count('tokens'), 3)
      })

      test(`${what} on the classic token is not tried again: every request would make another token`, async (t) => {
        const { fake, wxa } = await setup(t, {}, { token: 'classic' })
        fake.fail(what, { endpoint: 'tokens' })
        const hold = fake.hold('tokens')
        const errors = Promise.all(times(10, (n) => failure(ask(wxa, n))))
        await fake.arrived(1, 'tokens')
        await allWait(wxa)
        hold.release()
        for (const error of await errors) {
          assert.equal(error.code, errcode === undefined ? 'ERR_WXA_NETWORK' : 'ERR_WXA_API')
          assert.equal(error.errcode, errcode)
          assert.equal(error.endpoint, 'token')
          assert.equal(error.retryable, true)
        }
        assert.equal(fake.count('tokens'), 1)
        await ask(wxa, 0)
        assert.equal(fake.count('tokens'), 2)
      })
    }

    test('an unreachable server fails the call with ERR_WXA_NETWORK or a timeout', async (t) => {
      const { client } = await setup(t)
      const error = await failure(ask(client({ baseUrl: await deadUrl(), timeoutMs: 2000 }), 0))
      assert.ok(['ERR_WXA_NETWORK', 'ERR_WXA_TIMEOUT'].includes(error.code), error.code)
      assert.equal(error.retryable, true)
      assert.match(`${error.message} ${error.cause?.message}`, /127\.0\.0\.1/)
    })

    test('a wrong secret makes 1 request, whose refusal all waiting calls get, and for a while all later ones', async (t) => {
      const { fake, client } = await setup(t)
      const wxa = client({ secret: newSecret() })
      const hold = fake.hold('tokens')
      const waiting = Promise.all(times(20, (n) => failure(ask(wxa, n))))
      await fake.arrived(1, 'tokens')
      await allWait(wxa)
      hold.release()
      const later = async (n) => failure(ask(wxa, n))
      for (const error of [...(await waiting), await later(20), await later(21)]) {
        assert.ok(error instanceof WeChatAPIError)
        assert.equal(error.errcode, 40125)
        assert.equal(error.endpoint, 'stable_token')
        assert.equal(error.retryable, false)
        assert.match(error.message, /AppSecret/)
        assert.match(error.explanation.fix.zh, /AppSecret|密钥/)
      }
      assert.equal(fake.count(), 1)
    })

    test('an IP outside the whitelist is refused once, with the IP in the message', async (t) => {
      const { fake, wxa } = await setup(t, { ipWhitelist: [] })
      for (const n of [0, 1, 2]) {
        const error = await failure(ask(wxa, n))
        assert.equal(error.errcode, 40164)
        assert.match(error.message, /127\.0\.0\.1/)
      }
      assert.equal(fake.count(), 1)
    })

    test('a corrected secret works at once, and a wrong one does not disturb it', async (t) => {
      const { fake, client, secret } = await setup(t)
      assert.equal((await failure(ask(client({ secret: newSecret() }), 0))).errcode, 40125)
      await ask(client({ secret }), 0)
      assert.equal(fake.count('tokens'), 2)
    })

    for (const what of ['html', 'empty', 'truncate', 'redirect', { status: 200, body: '{"expires_in":7200}' }]) {
      test(`an unexpected token response (${JSON.stringify(what)}) fails 20 callers with 1 request`, async (t) => {
        const { fake, wxa } = await setup(t)
        fake.fail(what, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
        const hold = fake.hold('tokens')
        const waiting = Promise.all(times(20, (n) => failure(ask(wxa, n))))
        await fake.arrived(1, 'tokens')
        await allWait(wxa)
        hold.release()
        // Such an answer is not requested again within 10 s, and a call with less time fails at once.
        const later = failure(wxa.getAccessToken({ timeoutMs: 5000 }))
        for (const error of [...(await waiting), await later]) {
          assert.equal(error.code, 'ERR_WXA_RESPONSE')
          assert.equal(error.endpoint, 'stable_token')
        }
        assert.equal(fake.count(), 1)
      })
    }

    test('a client recovers after a token request that failed', async (t) => {
      const { fake, wxa } = await setup(t, {}, { token: 'classic' })
      for (const what of ['reset', -1, 'close']) {
        fake.fail(what, { endpoint: 'tokens' })
        await failure(wxa.getAccessToken())
      }
      await rightPictures(wxa, 3)
      assert.equal(fake.count('tokens'), 4)
    })

    test('getAccessToken returns the token that the codes use, and its expiry', async (t) => {
      const { fake, wxa } = await setup(t, { tokenLife: 5000 })
      const before = Date.now()
      const { accessToken, expiresAt } = await wxa.getAccessToken()
      assert.deepEqual([accessToken], fake.liveTokens())
      assert.ok(expiresAt instanceof Date)
      assert.ok(expiresAt >= before + 4990_000 && expiresAt <= Date.now() + 5000_000, String(expiresAt))
      await ask(wxa, 0)
      assert.deepEqual(usedTokens(fake), [accessToken])
      assert.equal((await wxa.getAccessToken({})).accessToken, accessToken)
      assert.equal(fake.count('tokens'), 1)
    })

    for (const life of [0, -5, 1, '7200', 1e9, 1e300, null, 'soon', undefined]) {
      test(`a token whose expires_in is ${life} is used, and not requested again at once`, async (t) => {
        const { fake, wxa } = await setup(t)
        const body = JSON.stringify({ access_token: 'a-token-of-the-test', expires_in: life })
        fake.fail({ status: 200, body }, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
        for (const _ of times(20, Number)) {
          const { accessToken, expiresAt } = await wxa.getAccessToken()
          assert.equal(accessToken, 'a-token-of-the-test')
          assert.ok(expiresAt > new Date() && expiresAt <= Date.now() + 7200_000, String(expiresAt))
        }
        assert.equal(fake.count('tokens'), 1)
      })
    }

    test('a token may be much longer than 512 characters and hold any visible character', async (t) => {
      const { fake, wxa } = await setup(t)
      const token = `%20+&=/?#"'\\~${'x'.repeat(2000)}`
      fake.fail(
        { status: 200, body: JSON.stringify({ access_token: token, expires_in: 7200 }) },
        { endpoint: 'tokens' },
      )
      fake.fail(41030, { endpoint: 'codes' })
      await failure(ask(wxa, 0))
      assert.deepEqual(usedTokens(fake), [token])
    })

    test('stable_token is requested with a JSON body of exactly its fields, the classic token with a query', async (t) => {
      const { fake, wxa, client, appid, secret } = await setup(t)
      await wxa.getAccessToken()
      await client({ token: 'classic' }).getAccessToken()
      const [stable, classic] = fake.requests
      assert.deepEqual([stable.method, stable.path, stable.query], ['POST', '/cgi-bin/stable_token', {}])
      assert.deepEqual(JSON.parse(stable.body), { grant_type: 'client_credential', appid, secret })
      assert.match(stable.headers['content-type'], /^application\/json/)
      assert.equal(stable.headers['content-length'], String(Buffer.byteLength(stable.body)))
      assert.deepEqual([classic.method, classic.path, classic.body], ['GET', '/cgi-bin/token', ''])
      assert.deepEqual(classic.query, { grant_type: 'client_credential', appid, secret })
    })

    test('forceRefresh sends force_refresh: true, invalidates the old token and returns another one', async (t) => {
      const { fake, wxa } = await setup(t)
      const old = await wxa.getAccessToken()
      const forced = await wxa.getAccessToken({ forceRefresh: true })
      assert.notEqual(forced.accessToken, old.accessToken)
      assert.deepEqual(fake.liveTokens(), [forced.accessToken])
      assert.deepEqual(
        bodies(fake, 'stable_token').map((body) => body.force_refresh),
        [undefined, true],
      )
      await ask(wxa, 0)
      assert.deepEqual(usedTokens(fake), [forced.accessToken])
    })

    test('a second forceRefresh within 30 s fails with ERR_WXA_RATE_LIMIT, nothing is sent and the token stays', async (t) => {
      const { fake, wxa, client } = await setup(t)
      const { accessToken } = await wxa.getAccessToken({ forceRefresh: true })
      for (const one of [wxa, client()]) {
        const error = await failure(one.getAccessToken({ forceRefresh: true }))
        assert.equal(error.code, 'ERR_WXA_RATE_LIMIT')
        assert.equal(error.retryable, true)
        assert.match(error.message, /30 s/)
      }
      assert.equal(fake.count(), 1)
      assert.equal((await wxa.getAccessToken()).accessToken, accessToken)
      assert.equal(fake.count(), 1)
    })

    test('forced refreshes at the same time share one', async (t) => {
      const { fake, wxa, client } = await setup(t)
      const { accessToken: old } = await wxa.getAccessToken()
      const hold = fake.hold('tokens')
      const forced = Promise.all(
        times(20, (n) => (n % 2 ? wxa : client())).map((one) => one.getAccessToken({ forceRefresh: true })),
      )
      await fake.arrived(2, 'tokens')
      await allWait(wxa, { forceRefresh: true })
      hold.release()
      const tokens = new Set((await forced).map(({ accessToken }) => accessToken))
      assert.equal(tokens.size, 1)
      assert.ok(!tokens.has(old))
      assert.equal(fake.count('tokens'), 2)
    })

    test('forceRefresh of a classic token makes another request', async (t) => {
      const { fake, wxa } = await setup(t, {}, { token: 'classic' })
      const { accessToken: old } = await wxa.getAccessToken()
      const { accessToken } = await wxa.getAccessToken({ forceRefresh: true })
      assert.notEqual(accessToken, old)
      assert.equal(fake.count('token'), 2)
    })

    test('a forceRefresh that fails leaves the old token in use', async (t) => {
      const { fake, wxa } = await setup(t)
      await wxa.getAccessToken()
      fake.fail(45009, { endpoint: 'tokens' })
      assert.equal((await failure(wxa.getAccessToken({ forceRefresh: true }))).errcode, 45009)
      await ask(wxa, 0)
      assert.equal(fake.count('tokens'), 2)
    })

    test('invalidateAccessToken of the present token makes the next call fetch, without a refused request', async (t) => {
      const { fake, wxa } = await setup(t)
      const { accessToken } = await wxa.getAccessToken()
      fake.revokeTokens()
      assert.equal(wxa.invalidateAccessToken(accessToken), undefined)
      await rightPictures(wxa, 5)
      assert.equal(fake.count('tokens'), 2)
      assert.equal(fake.count('codes'), 5)
    })

    test('invalidateAccessToken of any other token is a no-op', async (t) => {
      const { fake, wxa } = await setup(t)
      wxa.invalidateAccessToken('before there is any')
      const { accessToken } = await wxa.getAccessToken()
      for (const other of ['', 'other', `${accessToken} `, accessToken.slice(1)]) wxa.invalidateAccessToken(other)
      await ask(wxa, 0)
      assert.equal(fake.count('tokens'), 1)
    })

    test("with token 'none' no access token is asked for or sent, and WeChat's answer is passed on", async (t) => {
      const { fake, client } = await setup(t)
      const wxa = client({ token: 'none', secret: undefined })
      assert.equal((await failure(ask(wxa, 0))).errcode, 41001)
      assert.equal(fake.count('tokens'), 0)
      assert.deepEqual(fake.requests[0].query, {})
      wxa.invalidateAccessToken('none')
      const error = await failure(wxa.getAccessToken())
      assert.ok(error instanceof InvalidParamsError)
      assert.equal(error.param, 'token')
      assert.equal(fake.count(), 1)
    })

    test("with token 'none' fromAppid says whose code it is, and a picture is a picture", async (t) => {
      const { fake, wxa, client } = await setup(t)
      const image = await ask(wxa, 0)
      fake.fail({ status: 200, body: image }, { endpoint: 'codes' })
      const cloud = client({ token: 'none', secret: undefined, fromAppid: 'wx00000000000000aa' })
      assert.deepEqual(await ask(cloud, 0), image)
      assert.deepEqual(fake.requests.at(-1).query, { from_appid: 'wx00000000000000aa' })
    })

    test('clients of different appids, modes and sets of base URLs share nothing', async (t) => {
      const apps = times(2, (n) => ({ appid: `wx000000000000000${n}`, secret: newSecret() }))
      const { fake, client } = await setup(t, { apps })
      const [first, second] = apps
      const { fake: other } = await setup(t, { apps })
      const clients = [
        client(first),
        client(second),
        client({ ...first, token: 'classic' }),
        client({ ...first, baseUrl: [fake.url, other.url] }),
      ]
      const tokens = await Promise.all(clients.map((one) => one.getAccessToken()))
      assert.equal(fake.count('tokens'), 4)
      assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 3)
      assert.equal(other.count(), 0)
    })

    test('the order and the spelling of the base URLs do not matter for sharing', async (t) => {
      const { fake, client } = await setup(t)
      const { fake: other } = await setup(t)
      const one = client({ baseUrl: [fake.url, other.url] })
      const two = client({ baseUrl: [`${other.url}/`, fake.url, fake.url] })
      const { accessToken } = await one.getAccessToken()
      assert.equal((await two.getAccessToken()).accessToken, accessToken)
      assert.equal(fake.count('tokens'), 1)
      assert.equal(other.count(), 0)
    })

    test('a client made later finds the token of an earlier one', async (t) => {
      const { fake, client } = await setup(t)
      await ask(client(), 0)
      await ask(client(), 1)
      assert.equal(fake.count('tokens'), 1)
    })

    // The slow one: some 10 s, the shortest time between two refreshes.
    test('while a token is valid no call waits for its refresh, and a failing refresh is invisible', async (t) => {
      const { fake, wxa } = await setup(t, { tokenLife: 30 }, { token: 'classic' })
      const draw = () => wxa.createQRCode({ path: 'a', width: 280 })
      await draw()
      const [token] = usedTokens(fake)
      const hold = fake.hold('tokens')
      let refreshing = false
      const arrived = fake.arrived(2, 'tokens').then(() => {
        refreshing = true
      })
      while (!refreshing) {
        await draw()
        await Promise.race([arrived, new Promise((resolve) => setTimeout(resolve, 20))])
      }
      await Promise.all(times(5, draw))
      assert.equal(hold.waiting, 1)
      fake.fail('reset', { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
      hold.release()
      await Promise.all(times(5, draw))
      await fake.idle()
      await Promise.all(times(5, draw))
      assert.deepEqual([...new Set(usedTokens(fake))], [token])
      assert.equal(fake.count('tokens'), 2)
    })
  },
  { concurrency: 2 },
)
