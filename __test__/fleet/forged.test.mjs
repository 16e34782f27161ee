import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { needsRedis, startRedis } from '../support/redis.mjs'
import { suite } from '../support/suite.mjs'

const DAY = 86_400_000

const source = (name) => readFileSync(new URL(`../../src/${name}.lua`, import.meta.url), 'utf8')

/** Runs the crate's own scripts on a Redis in which somebody else writes too. */
async function scripts(t) {
  const redis = await startRedis(t)
  const run = (name, keys, ...args) => redis.cli('EVAL', source(name), keys.length, ...keys, ...args)
  return {
    cli: redis.cli,
    left: (key) => Number(redis.cli('PTTL', key)),
    acquire: ({ owner = 'a', seen = '', rejected = 0, unusable = '' } = {}) =>
      run(
        'token/redis_store/acquire',
        ['token', 'lock', 'fence', 'cool'],
        ...[owner, 8000, seen, 30_000, 16_000, 'epoch1', rejected, 30_000, 4224, unusable, DAY],
      ).split('\n'),
    publish: (owner, epoch, gen, value) =>
      run('token/redis_store/publish', ['token', 'lock', 'fence'], owner, epoch, gen, value, value, 60_000, 4224, DAY),
    look: (print) => run('token/redis_store/peek', ['token'], print, 4224),
    force: (owner) =>
      Number(run('token/redis_store/take_forced_refresh', ['forced', 'forced-day'], 30_000, 10, DAY, owner)),
    turns: (wanted = 1, owed = 0) =>
      run('rate_limit/acquire_permits', ['minute', 'pause'], 10, wanted, ...(owed ? [0, owed] : []))
        .split('\n')
        .map(Number),
    code: (owner, leads = 1) => run('cache/get_or_lock', ['code', 'lock'], owner, 6000, DAY, 1000, leads).split('\n'),
  }
}

suite(
  'forged values in Redis, and values without an expiry',
  (test) => {
    for (const [what, life] of Object.entries({ 'without an end': [], 'of a day': ['PX', DAY] })) {
      test(`a lock ${what} is waited for as long as any other, for a token and for a code`, needsRedis, async (t) => {
        const { acquire, cli, code, left } = await scripts(t)
        cli('SET', 'lock', 'somebody', ...life)
        const [word, wait] = acquire()
        assert.equal(word, 'wait')
        assert.ok(Number(wait) > 7000 && Number(wait) <= 8000, wait)
        assert.ok(left('lock') > 0 && left('lock') <= 8000)
        const first = left('lock')
        acquire({ owner: 'b' })
        assert.ok(left('lock') <= first, 'a second look does not extend it')
        cli('SET', 'lock', 'somebody', ...life)
        assert.equal(code('a')[0], 'wait')
        assert.ok(left('lock') > 0 && left('lock') <= 6000)
      })

      test(`counters of forced refreshes ${what} allow none, and expire`, needsRedis, async (t) => {
        const { cli, force, left } = await scripts(t)
        cli('SET', 'forced', 'somebody', ...life)
        const apart = force('a')
        assert.ok(apart > 0 && apart <= 30_000, `${apart}`)
        assert.ok(left('forced') > 0 && left('forced') <= 30_000)
        cli('DEL', 'forced')
        cli('SET', 'forced-day', 10, ...life)
        for (let n = 0; n < 12; n++) assert.ok(force(`b${n}`) > 0)
        assert.ok(left('forced-day') > 0 && left('forced-day') <= DAY)
      })

      test(`a pause ${what} lasts a minute`, needsRedis, async (t) => {
        const { cli, left, turns } = await scripts(t)
        cli('SET', 'pause', 1, ...life)
        const [given, wait, paused] = turns()
        assert.deepEqual([given, paused], [0, 1])
        assert.ok(wait > 0 && wait <= 60_000)
        assert.ok(left('pause') > 0 && left('pause') <= 60_000)
      })

      test(`a cool-down ${what} lasts half a minute`, needsRedis, async (t) => {
        const { acquire, cli, left } = await scripts(t)
        cli('SET', 'cool', 1, ...life)
        cli('HSET', 'token', 'value', 'x', 'epoch', 'epoch1', 'gen', 1, 'print', 'p')
        cli('PEXPIRE', 'token', 60_000)
        assert.deepEqual(acquire({ seen: 'p', rejected: 1 }), ['unchanged'])
        assert.ok(left('cool') > 0 && left('cool') <= 30_000)
      })
    }

    test('a counter of forced refreshes that is not a number is ignored', needsRedis, async (t) => {
      const { cli, force } = await scripts(t)
      for (const made of ['made up', '-5', '1e3', '9223372036854775807']) {
        cli('SET', 'forced-day', made)
        assert.equal(force('a'), 0, made)
        cli('DEL', 'forced')
      }
    })

    test('a forged rate window costs a minute at most, and one from the future nothing', needsRedis, async (t) => {
      const { cli, left, turns } = await scripts(t)
      const now = () => Number(cli('TIME').split('\n')[0])
      cli('HSET', 'minute', now(), 999_999_999)
      const [given, wait] = turns()
      assert.equal(given, 0)
      assert.ok(wait > 50_000 && wait <= 60_000, `${wait}`)
      assert.ok(left('minute') > 0 && left('minute') <= 61_000, 'and it has an end')
      for (const [second, count] of [
        [now() + 1000, 10],
        [now(), '9223372036854775807'],
        [now(), 'made up'],
        [now(), -50],
        ['made up', 10],
      ]) {
        cli('DEL', 'minute')
        cli('HSET', 'minute', second, count)
        assert.equal(turns(1, 1)[0], 1, `${second} ${count}`)
      }
      cli('DEL', 'minute')
      cli('SET', 'minute', 'made up')
      assert.equal(turns()[0], 1)
    })

    test('a token without an expiry is not used, and is replaced', needsRedis, async (t) => {
      const { acquire, cli, left, look, publish } = await scripts(t)
      cli('HSET', 'token', 'value', 'x', 'epoch', 'epoch1', 'gen', 7, 'print', 'p')
      assert.equal(look('p'), 'empty')
      assert.deepEqual(acquire(), ['lock', 'epoch1', '1'])
      assert.ok(left('token') > 0)
      assert.equal(publish('a', 'epoch1', 1, 'ours'), 'written', 'a generation that no lock has drawn is ignored')
      assert.equal(cli('HGET', 'token', 'value'), 'ours')
    })

    test('a value that cannot be decrypted is deleted only if it is unchanged', needsRedis, async (t) => {
      const { acquire, cli, publish } = await scripts(t)
      const [, epoch, gen] = acquire()
      publish('a', epoch, gen, 'torn')
      const sha1 = (text) => cli('EVAL', 'return redis.sha1hex(ARGV[1])', 0, text)
      assert.deepEqual(acquire().slice(0, 2), ['token', 'torn'])
      assert.deepEqual(acquire({ unusable: sha1('another') }).slice(0, 2), ['token', 'torn'])
      assert.deepEqual(acquire({ unusable: sha1('torn') }), ['lock', epoch, '2'])
      assert.equal(cli('HEXISTS', 'token', 'value'), '0')
      assert.equal(cli('HGET', 'token', 'gen'), '1', 'late lock owners of before still come too late')
    })

    test('a forged fence counter begins anew', needsRedis, async (t) => {
      const { acquire, cli } = await scripts(t)
      for (const made of [
        ['gen', '9223372036854775807'],
        ['gen', 'made up'],
        ['epoch', 'not one of ours, with blanks'],
        ['epoch', 'e'.repeat(100_000)],
      ]) {
        cli('DEL', 'lock', 'fence')
        cli('HSET', 'fence', ...made)
        assert.deepEqual(acquire(), ['lock', 'epoch1', '1'])
        assert.ok(Number(cli('PTTL', 'fence')) > 0)
      }
    })

    test('a code without an expiry gets one, and a value too large for a code is ignored', needsRedis, async (t) => {
      const { cli, code, left } = await scripts(t)
      cli('SET', 'code', 'sealed')
      assert.equal(code('a')[0], 'qr_code')
      assert.ok(left('code') > 0)
      cli('SET', 'code', 'x'.repeat(1001))
      assert.deepEqual(code('a'), ['locked'])
    })

    test('a call that fetches for no other takes no lock', needsRedis, async (t) => {
      const { cli, code } = await scripts(t)
      assert.deepEqual(code('a', 0), ['fetch'])
      assert.equal(cli('EXISTS', 'lock'), '0')
    })
  },
  { concurrency: 2 },
)
