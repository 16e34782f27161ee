import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { nameOf } from './address.js'
import { converse, Refusal } from './conversation.js'

/** @import { Address, Place } from './address.js' */
/** @import { Conversation } from './conversation.js' */

/**
 * Every command that the client's scripts use, on one key that is gone when it ends, and a second later in any case.
 * Returns what was refused, and why.
 */
export const TRY_ALL = `
local refused, why = {}, false
local function try(name, ...)
  local answer = redis.pcall(name, ...)
  if type(answer) == 'table' and answer.err then
    table.insert(refused, name)
    why = why or answer.err
  end
end
local key = KEYS[1]
try('SET', key, '1', 'PX', 1000)
try('GET', key)
try('INCR', key)
try('PTTL', key)
try('DEL', key)
try('HSET', key, 'a', '1')
try('PEXPIRE', key, 1000)
try('HSETNX', key, 'b', '1')
try('HGET', key, 'a')
try('HMGET', key, 'a', 'b')
try('HGETALL', key)
try('HINCRBY', key, 'a', 1)
try('HDEL', key, 'a')
try('TIME')
redis.pcall('DEL', key)
return { table.concat(refused, ' '), why or '' }`

const NOTHING = 'return 1'
/** Of so many round trips the median is told. */
const TRIPS = 5
/** A cluster that sends us round in circles is moving slots. */
const REDIRECTIONS = 3

/** What a script may not do: the first refusal, and the commands. */
export class Forbidden extends Error {
  /**
   * @param {string[]} commands
   * @param {Refusal} refusal
   */
  constructor(commands, refusal) {
    super(refusal.message)
    this.commands = commands
    this.refusal = refusal
  }
}

/**
 * Does with a Redis what the client does: logs in, writes under its prefix, runs scripts. It leaves no key there.
 *
 * @param {Address} address
 * @param {{ appid: string, signal: AbortSignal }} how
 * @returns {Promise<{ name: string, ms: number }>} who it was in the end, and the way there and back
 */
export async function lookAt(address, { appid, signal }) {
  // The braces keep it where the account's keys would be in a cluster.
  const key = `wxacode:{${appid}:doctor:${randomUUID()}}:probe`
  let place = address.master === undefined ? address.places[0] : await masterOf(address, signal)
  for (let redirections = 0; ; redirections++) {
    const talk = await converse(place, { isTls: address.isTls, signal })
    try {
      await logIn(talk, address)
      return { name: nameOf(place), ms: await tryAll(talk, key) }
    } catch (error) {
      const moved = error instanceof Refusal && /^MOVED \d+ (.*):(\d+)$/.exec(error.message)
      if (!moved || redirections === REDIRECTIONS) throw error
      // A cluster whose nodes have no names means the host that was asked.
      place = { host: moved[1] || ('host' in place ? place.host : ''), port: Number(moved[2]) }
    } finally {
      talk.end()
    }
  }
}

/**
 * @param {Address} address
 * @param {AbortSignal} signal
 * @returns {Promise<Place>}
 */
async function masterOf({ places, master }, signal) {
  /** @type {unknown} */
  let failure
  for (const place of places) {
    try {
      const talk = await converse(place, { isTls: false, signal })
      const found = await talk.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master ?? '').finally(talk.end)
      if (Array.isArray(found)) return { host: String(found[0]), port: Number(found[1]) }
      failure = new Refusal('NOMASTER')
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure
}

/**
 * @param {Conversation} talk
 * @param {Address} address
 */
async function logIn(talk, { username, password, db }) {
  if (password !== undefined) await talk.ask('AUTH', ...(username === undefined ? [] : [username]), password)
  if (db !== 0) await talk.ask('SELECT', db)
}

/**
 * @param {Conversation} talk
 * @param {string} key
 */
async function tryAll(talk, key) {
  const trips = []
  for (let trip = 0; trip < TRIPS; trip++) {
    const sent = performance.now()
    await talk.ask('EVAL', NOTHING, 1, key)
    trips.push(performance.now() - sent)
  }
  const answer = await talk.ask('EVAL', TRY_ALL, 1, key)
  const [refused, why] = Array.isArray(answer) ? answer.map(String) : ['', '']
  if (refused !== '') throw new Forbidden(refused.split(' '), new Refusal(why))
  return trips.sort((a, b) => a - b)[Math.floor(TRIPS / 2)]
}
