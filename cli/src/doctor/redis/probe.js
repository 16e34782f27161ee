import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { nameOf } from './address.js'
import { connectResp, RedisReplyError } from './resp-connection.js'

/** @import { Address, ServerAddress } from './address.js' */
/** @import { RespConnection } from './resp-connection.js' */

/**
 * Runs every command of the client's scripts on one key, which the script deletes, and which expires after a second.
 * Returns the denied commands and the first error.
 */
export const TRY_COMMANDS = `
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

const NO_OP = 'return 1'
/** The reported time is the median of so many round trips. */
const ROUND_TRIPS = 5
/** A cluster redirects more often only while it moves slots. */
const REDIRECTIONS = 3

/** Commands that the ACL denies to scripts, and the first error reply. */
export class ScriptDeniedError extends Error {
  /**
   * @param {string[]} commands
   * @param {RedisReplyError} reply
   */
  constructor(commands, reply) {
    super(reply.message)
    this.commands = commands
    this.reply = reply
  }
}

/**
 * Does the same with a Redis as the client: logs in, writes under its prefix, runs scripts. Leaves no key.
 *
 * @param {Address} address
 * @param {{ appid: string, signal: AbortSignal }} how
 * @returns {Promise<{ name: string, ms: number }>} the server that replied after redirections, and the round-trip time
 */
export async function probeRedis(address, { appid, signal }) {
  // A hash tag, so that a cluster stores the key in the slot of the account's keys.
  const key = `wxacode:{${appid}:doctor:${randomUUID()}}:probe`
  let server = address.master === undefined ? address.servers[0] : await findMaster(address, signal)
  for (let redirections = 0; ; redirections++) {
    const connection = await connectResp(server, { isTls: address.isTls, signal })
    try {
      await logIn(connection, address)
      return { name: nameOf(server), ms: await tryCommands(connection, key) }
    } catch (error) {
      const moved = error instanceof RedisReplyError && /^MOVED \d+ (.*):(\d+)$/.exec(error.message)
      if (!moved || redirections === REDIRECTIONS) throw error
      // A node without a name in MOVED is the server that sent the reply.
      server = { host: moved[1] || ('host' in server ? server.host : ''), port: Number(moved[2]) }
    } finally {
      connection.end()
    }
  }
}

/**
 * @param {Address} address
 * @param {AbortSignal} signal
 * @returns {Promise<ServerAddress>}
 */
async function findMaster({ servers, master }, signal) {
  /** @type {unknown} */
  let failure
  for (const server of servers) {
    try {
      const connection = await connectResp(server, { isTls: false, signal })
      const found = await connection.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master ?? '').finally(connection.end)
      if (Array.isArray(found)) return { host: String(found[0]), port: Number(found[1]) }
      failure = new RedisReplyError('NOMASTER')
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure
}

/**
 * @param {RespConnection} connection
 * @param {Address} address
 */
async function logIn(connection, { username, password, db }) {
  if (password !== undefined) await connection.send('AUTH', ...(username === undefined ? [] : [username]), password)
  if (db !== 0) await connection.send('SELECT', db)
}

/**
 * @param {RespConnection} connection
 * @param {string} key
 */
async function tryCommands(connection, key) {
  const trips = []
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const sent = performance.now()
    await connection.send('EVAL', NO_OP, 1, key)
    trips.push(performance.now() - sent)
  }
  const answer = await connection.send('EVAL', TRY_COMMANDS, 1, key)
  const [refused, why] = Array.isArray(answer) ? answer.map(String) : ['', '']
  if (refused !== '') throw new ScriptDeniedError(refused.split(' '), new RedisReplyError(why))
  return trips.sort((a, b) => a - b)[Math.floor(ROUND_TRIPS / 2)]
}
