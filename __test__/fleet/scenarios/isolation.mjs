import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFaultProxy } from '../../support/faults.mjs'
import { setupFleet } from '../../support/fleet.mjs'
import { missingNetwork, withNameServer } from '../../support/names.mjs'
import { startQuickWeChat } from '../../support/quick.mjs'
import { newAppid, newSecret } from '../../support/suite.mjs'
import { none, one, REDIS_TIMEOUT, SLACK, upTo } from './bounds.mjs'

/** How many calls a neighbour makes at once, and how often. */
const CALLS = 4
const ROUNDS = 3
/** Clients that never get an answer stop after this time, and those that recover have time to do so. */
const LIMITED = { timeoutMs: 4000 }
const PATIENT = { timeoutMs: 20_000 }
/** And one that is stuck longer than others would wait for it. */
const STUCK = { timeoutMs: 12_000 }
/** With `cache.redis` a call waits a fifth of its time for another process. */
const FOR_OTHERS = 10_000 / 5

/** What holds for a neighbour that is well, whatever happens beside it. */
const UNDISTURBED = { neighbourFailed: none, neighbourSlowestMs: upTo(REDIS_TIMEOUT + SLACK) }

/** Of all the calls of these callers: how many failed, and the longest. */
async function noticed(callers) {
  const batches = await Promise.all(callers.flatMap((caller) => caller.batches))
  const outcomes = batches.flatMap(({ outcomes }) => outcomes)
  return {
    neighbourFailed: outcomes.filter(({ code }) => code).length,
    neighbourSlowestMs: Math.round(Math.max(0, ...outcomes.map(({ begun, ended }) => ended - begun))),
  }
}

/** Calls of those in trouble and of their neighbours, at the same time, some rounds of them. */
async function sideBySide(ill, well, how = PATIENT) {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([...ill.map((caller) => caller.call(CALLS, how)), ...well.map((caller) => caller.call(CALLS))])
  }
}

/** Two accounts in one Redis: the first is in trouble, the second is well. */
async function neighbours(t, { token = 'classic', isWell = true, ...more } = {}) {
  const account = { appid: newAppid(), secret: newSecret() }
  const place = await setupFleet(t, { token, isWell, fake: { others: [account] }, ...more })
  place.more.secrets.push(account.secret)
  return { ...place, neighbour: account }
}

/**
 * What is wrong with one account's keys in Redis, and what comes of it. `spoil(place, keys)` is given the account's keys by
 * their last names.
 */
const KEYS = [
  {
    fault: "An account's token key holds a string (WRONGTYPE)",
    spoil: ({ redis }, { token }) => redis.ask('SET', token, 'made up'),
  },
  {
    fault: "An account's fence is no number",
    spoil: async ({ redis }, { token, fence }) => {
      await redis.ask('HSET', fence, 'gen', 'made up')
      await redis.ask('DEL', token)
    },
  },
  {
    fault: "An account's fence is at the end of numbers",
    spoil: async ({ redis }, { token, fence }) => {
      await redis.ask('HSET', fence, 'gen', '9223372036854775807')
      await redis.ask('DEL', token)
    },
  },
  {
    fault: "An account's token does not open (forged, restored from elsewhere)",
    spoil: ({ redis }, { token }) => redis.ask('HSET', token, 'value', 'made up', 'print', 'ffffffff'),
  },
  {
    fault: "An account's token is torn",
    spoil: async ({ redis }, { token }) => {
      const torn = `local value = redis.call('HGET', KEYS[1], 'value')
        redis.call('HSET', KEYS[1], 'value', string.sub(value, 1, 40))`
      await redis.ask('EVAL', torn, 1, token)
    },
  },
  {
    fault: "An account's token says that it is another one (forged fingerprint)",
    spoil: ({ redis }, { token }) => redis.ask('HSET', token, 'print', 'ffffffff'),
  },
  {
    fault: "An account's token has a generation that no lock has drawn",
    spoil: ({ redis }, { token }) => redis.ask('HSET', token, 'gen', '999999999999999', 'value', 'made up'),
  },
  {
    fault: "An account's token has no end (PERSIST)",
    spoil: ({ redis }, { token }) => redis.ask('PERSIST', token),
  },
]

/** Each of them while a process holds a good token, and for one that begins then. */
const keys = KEYS.flatMap(({ fault, spoil }) =>
  ['stable', 'classic'].map((token) => ({
    fault,
    moment: 'cold start',
    mode: token,
    promises: [8, 16, 19, 20],
    outcome: 'it is replaced at once, and neighbours do not notice',
    // In stable mode a process that finds Redis slow may fetch by itself.
    expect: { ...UNDISTURBED, tokenRequests: [2, token === 'stable' ? 4 : 2], mended: one },
    async run(t) {
      const place = await neighbours(t, { token })
      const { enter, fake, neighbour, options, redis, tally } = place
      const [first] = await enter(1)
      await first.succeeds()
      const of = (name) => redis.ask('EVAL', FIND, 0, options.appid, name)
      const names = { token: await of('token'), fence: await of('fence') }
      await spoil(place, names)
      const before = fake.count('tokens')
      const [ill, well] = [await enter(1), await enter(2, neighbour)]
      await sideBySide(ill, well)
      const left = Number(await redis.ask('PTTL', names.token))
      const seen = await noticed(well)
      const sum = await tally()
      return { ...sum, ...seen, tokenRequests: fake.count('tokens') - before, mended: left > 0 ? 1 : 0 }
    },
  })),
)

/** The key of an account by its last name. */
const FIND = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  if string.find(key, ARGV[1], 1, true) and string.sub(key, -#ARGV[2] - 1) == ':' .. ARGV[2] then return key end
end
return ''`

/** A lock that no process of ours will ever give back. */
const locks = [
  ['without an end (PERSIST)', []],
  ['that another writer has set for a day', ['PX', 86_400_000]],
].flatMap(([how, life]) =>
  ['stable', 'classic'].map((token) => ({
    fault: `An account's lock is one ${how}`,
    moment: 'cold start',
    mode: token,
    promises: [8, 11, 16, 19, 20],
    outcome: 'it is waited for as long as for one who died, and neighbours do not notice',
    // A lock ends after 8 s, whatever it says itself.
    expect: { ...UNDISTURBED, tokenRequests: [2, 2], slowestMs: upTo(8500 + SLACK) },
    async run(t) {
      const { enter, neighbour, options, redis, tally } = await neighbours(t, { token })
      const [forerunner] = await enter(1)
      await forerunner.succeeds()
      const key = (await redis.ask('EVAL', FIND, 0, options.appid, 'token')).replace(/:token$/, '')
      await redis.ask('DEL', `${key}:token`)
      await redis.ask('SET', `${key}:lock`, 'another', ...life)
      await forerunner.leave()
      const [ill, well] = [await enter(1), await enter(2, neighbour)]
      const waits = ill[0].call(CALLS, PATIENT)
      await sideBySide([], well)
      await waits
      const seen = await noticed(well)
      const sum = await tally()
      return { ...sum, ...seen, tokenRequests: sum.tokenRequests - 1 }
    },
  })),
)

/** What the user of a Redis needs, of one account's keys only. */
const COMMANDS = '+eval +time +get +set +incr +del +pexpire +pttl +hget +hmget +hgetall +hset +hsetnx +hincrby +hdel'

const permissions = ['stable', 'classic'].map((token) => ({
  fault: 'The Redis user may not have the keys of one account (NOPERM)',
  moment: 'cold start',
  mode: token,
  promises: [15, 16, 19, 20],
  outcome: token === 'stable' ? 'no call fails' : 'its calls fail with ERR_WXA_REDIS, and neighbours do not notice',
  expect: {
    ...UNDISTURBED,
    ...(token === 'classic' && { failed: [CALLS * (ROUNDS + 1), CALLS * (ROUNDS + 1)], codes: ['ERR_WXA_REDIS'] }),
    tokenRequests: token === 'classic' ? one : [2, 2],
    illSlowestMs: upTo(REDIS_TIMEOUT + SLACK),
  },
  async run(t) {
    const { enter, neighbour, options, proxy, redis, tally } = await neighbours(t, { token })
    await redis.ask(
      'ACL',
      'SETUSER',
      'shop',
      'on',
      '>pass',
      `~wxacode:{${neighbour.appid}*`,
      '-@all',
      ...COMMANDS.split(' '),
    )
    const url = proxy.url('redis').replace('://', '://shop:pass@')
    const as = { redis: { ...options.redis, url } }
    // Both in one process, as they would meet in one that serves several accounts.
    const [ill] = await enter(1, { ...as, beside: { ...neighbour, ...as } })
    const others = await enter(1, { ...neighbour, ...as })
    const well = [ill.neighbour, ...others]
    // First alone, so that the neighbour in its process begins when it has failed.
    await ill.call(CALLS, PATIENT)
    await sideBySide([ill], well)
    const [seen, its] = [await noticed(well), await noticed([ill])]
    return { ...(await tally()), ...seen, illSlowestMs: its.neighbourSlowestMs }
  },
}))

/** Codes that a fleet keeps together. */
const CACHE = { cache: { redis: true } }

/** A server that accepts connections and sends nothing. */
async function startHole(t) {
  const sockets = new Set()
  const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${server.address().port}`
}

const codes = [
  {
    fault: "One process's way to WeChat is dead, and it asks for hot codes (cache.redis)",
    moment: 'steady',
    mode: 'stable',
    promises: [11, 16, 19, 20],
    outcome: 'the others wait a part of their time for it once, and no longer',
    expect: {
      neighbourFailed: none,
      // A call that waits for it to the end has no code after 10 s.
      neighbourSlowestMs: upTo(FOR_OTHERS + SLACK + 2000),
      failed: upTo(ROUNDS + 1),
      codes: ['ERR_WXA_TIMEOUT', 'ERR_WXA_NETWORK'],
      slowestMs: upTo(STUCK.timeoutMs + SLACK),
      tokenRequests: upTo(1),
    },
    async run(t) {
      const place = await setupFleet(t, { isWell: true, ...CACHE })
      const line = await startFaultProxy(t, new URL(place.fake.url).port)
      // The same hosts for both, or they would not be one account.
      const hosts = [place.fake.url]
      const [ill] = await place.enter(1, { baseUrl: hosts, proxy: line.url('http') })
      await line.set('drop')
      const well = await place.enter(2, { baseUrl: hosts })
      await place.warm(well)
      for (let round = 0; round <= ROUNDS; round++) {
        const scene = `r=${round}`
        ill.call(1, STUCK, { scene })
        await sleep(200)
        await Promise.all(well.map((caller) => caller.call(CALLS, undefined, { scene })))
      }
      const seen = await noticed(well)
      return { ...(await place.tally()), ...seen }
    },
  },
  {
    fault: 'WeChat refuses a hot code (41030) after 900 ms, and 14 processes ask for it (cache.redis)',
    moment: 'steady',
    mode: 'stable',
    promises: [16, 19, 20],
    outcome: 'it is asked for once, and refused to all who wait',
    expect: {
      failed: [14, 14],
      codes: ['ERR_WXA_API'],
      codeRequests: [1, 14],
      slowestMs: upTo(2 * 900 + SLACK),
      tokenRequests: upTo(1),
    },
    async run(t) {
      const place = await setupFleet(t, { isWell: true, fake: { latency: { token: 50, code: 900 } }, ...CACHE })
      const callers = await place.enter(14)
      const [warm] = callers
      await place.warm([warm])
      const before = place.fake.count('codes')
      place.fake.fail(41030, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
      await Promise.all(callers.map((caller) => caller.call(1, undefined, { scene: 'refused' })))
      return { ...(await place.tally()), codeRequests: place.fake.count('codes') - before }
    },
  },
  {
    fault: 'A picture is too large for Redis (maxEntryBytes), and 14 processes ask for it (cache.redis)',
    moment: 'steady',
    mode: 'stable',
    promises: [16, 19, 20],
    outcome: 'those who wait ask for themselves, all at once',
    expect: { codeRequests: [1, 14], slowestMs: upTo(2 * 900 + SLACK), tokenRequests: upTo(1) },
    async run(t) {
      const cache = { redis: true, maxEntryBytes: 1024 }
      const place = await setupFleet(t, { isWell: true, fake: { latency: { token: 50, code: 900 } }, cache })
      const callers = await place.enter(14)
      await place.warm([callers[0]])
      const before = place.fake.count('codes')
      await Promise.all(callers.map((caller) => caller.call(1, undefined, { scene: 'large' })))
      return { ...(await place.tally()), codeRequests: place.fake.count('codes') - before }
    },
  },
  {
    fault: 'Redis is 100 ms away, and 600 codes are asked for at once (cache.redis)',
    moment: 'steady',
    mode: 'stable',
    promises: [15, 16, 19, 20],
    outcome: 'no call waits for it longer than redis.timeoutMs',
    expect: {
      codeRequests: [600, 600],
      longerMs: upTo(REDIS_TIMEOUT + 2000),
      slowestMs: upTo(PATIENT.timeoutMs),
      tokenRequests: none,
    },
    async run(t) {
      const { url: baseUrl, seen } = await startQuickWeChat(t)
      const place = await setupFleet(t, { baseUrl, ...CACHE })
      // What so many calls take by themselves, on this machine and at this moment.
      const [alone, caller] = [...(await place.enter(1, { cache: {} })), ...(await place.enter(1))]
      for (const one of [alone, caller]) await place.warm([one])
      await alone.call(600, PATIENT, { scene: 'each' })
      const before = seen.count
      await place.proxy.set('delay', { ms: 100 })
      await caller.call(600, PATIENT, { scene: 'each' })
      const [own, all] = [await noticed([alone]), await noticed([caller])]
      const longerMs = Math.max(0, all.neighbourSlowestMs - own.neighbourSlowestMs)
      return { ...(await place.tally()), longerMs, codeRequests: seen.count - before }
    },
  },
]

/** Clients of one process: one goes a way of its own, or has an AppSecret of its own. */
const ways = [
  {
    fault: 'A client has a dead proxy, and another of the same account has none',
    client: async (t) => ({ proxy: await startHole(t) }),
    codes: ['ERR_WXA_TIMEOUT', 'ERR_WXA_NETWORK'],
  },
  {
    fault: 'A client has a wrong AppSecret, and another of the same appid the right one',
    client: async (_, place) => {
      const secret = newSecret()
      place.more.secrets.push(secret)
      return { secret }
    },
    codes: ['ERR_WXA_API'],
  },
].map(({ fault, client, codes }) => ({
  fault,
  moment: 'cold start',
  mode: 'stable',
  promises: [19, 20],
  outcome: 'the other does not notice',
  expect: {
    ...UNDISTURBED,
    failed: [CALLS * ROUNDS, CALLS * ROUNDS],
    codes,
    slowestMs: upTo(LIMITED.timeoutMs + SLACK),
    tokenRequests: upTo(ROUNDS + 1),
  },
  async run(t) {
    const place = await setupFleet(t, { isWell: true, redis: undefined })
    const more = await client(t, place)
    const [ill] = await place.enter(1, { ...more, beside: { secret: place.account.secret } })
    await sideBySide([ill], [ill.neighbour], LIMITED)
    const seen = await noticed([ill.neighbour])
    return { ...(await place.tally()), ...seen }
  },
}))

/** More accounts than a runtime has threads for what blocks. */
const SILENT = 700

const names = {
  fault: `A name server does not respond for the hosts of ${SILENT} accounts`,
  moment: 'cold start',
  mode: 'none',
  promises: [16, 20],
  outcome: 'accounts whose hosts are known do not notice',
  skip: missingNetwork(),
  expect: {
    ...UNDISTURBED,
    failed: [SILENT, SILENT],
    codes: ['ERR_WXA_NETWORK', 'ERR_WXA_TIMEOUT'],
    slowestMs: upTo(60_000 + SLACK),
  },
  async run(t) {
    const { silent, neighbours } = await withNameServer(
      t,
      `
      const timed = async (host) => {
        const begun = performance.now()
        const end = await reach(host)
        return { code: end === 'reached' ? undefined : end.split(' ')[0], ms: performance.now() - begun }
      }
      const silent = Array.from({ length: ${SILENT} }, (_, n) => timed('silent' + n + '.example'))
      await until(() => asked.size > 0)
      const neighbours = []
      for (let n = 0; n < ${CALLS * ROUNDS}; n++) neighbours.push(await timed(n % 2 ? 'localhost' : '127.0.0.1'))
      say({ silent: await Promise.all(silent), neighbours })`,
    )
    const failures = (calls) => calls.filter(({ code }) => code)
    const slowest = (calls) => Math.round(Math.max(...calls.map(({ ms }) => ms)))
    return {
      calls: SILENT + neighbours.length,
      failed: failures(silent).length,
      codes: [...new Set(failures(silent).map(({ code }) => code))],
      tokenRequests: 0,
      slowestMs: slowest(silent),
      hung: 0,
      crashed: 0,
      secrets: 0,
      neighbourFailed: failures(neighbours).length,
      neighbourSlowestMs: slowest(neighbours),
    }
  },
}

/** One party's trouble, and a neighbour that is well and does not notice. */
export const isolation = [...permissions, ...keys, ...locks, ...codes, ...ways, names]
