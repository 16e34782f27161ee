import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_PAGES, startFakeWeChat } from '../index.js'
import { start, startWithToken } from './helpers.mjs'

test('each fake has a unique account', async (t) => {
  const fakes = await Promise.all(Array.from({ length: 5 }, () => start(t)))
  for (const { fake } of fakes) {
    assert.match(fake.appid, /^wx[0-9a-f]{16}$/)
    assert.match(fake.secret, /^[0-9a-f]{32}$/)
    assert.deepEqual(fake.apps, [{ appid: fake.appid, secret: fake.secret }])
  }
  assert.equal(new Set(fakes.flatMap(({ fake }) => [fake.appid, fake.secret])).size, 10)
  const [one, other] = fakes
  assert.equal((await one.classic({ appid: other.fake.appid, secret: other.fake.secret })).errcode, 40013)
})

test('properties that an app does not set have defaults, and those that it sets are kept', async (t) => {
  const given = [{ pages: ['a'] }, { appid: 'wx00', released: false }, { secret: 'hush' }, { appid: undefined }]
  const { fake, classic } = await start(t, { apps: given })
  assert.deepEqual(
    fake.apps.map(({ appid, secret }, n) => [appid === given[n].appid, secret === given[n].secret]),
    [
      [false, false],
      [true, false],
      [false, true],
      [false, false],
    ],
  )
  for (const app of fake.apps) assert.ok((await classic(app)).access_token)
  assert.deepEqual([fake.appid, fake.secret], [fake.apps[0].appid, fake.apps[0].secret])
  await assert.rejects(startFakeWeChat({ apps: [] }), /at least one app/)
})

test('the pages of an app are read at every request', async (t) => {
  const app = { pages: ['a'] }
  const { table } = await startWithToken(t, { apps: [app] })
  await table('getwxacodeunlimit', [
    [{ scene: 's', page: 'a' }, 0],
    [{ scene: 's', page: 'b' }, 41030],
  ])
  app.pages = ['b']
  await table('getwxacodeunlimit', [
    [{ scene: 's', page: 'a' }, 41030],
    [{ scene: 's', page: 'b' }, 0],
  ])
  app.pages = undefined
  await table(
    'getwxacodeunlimit',
    DEFAULT_PAGES.map((page) => [{ scene: 's', page }, 0]),
  )
})
