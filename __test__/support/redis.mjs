import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { certificates } from './certificates.mjs'
import { freePort } from './ports.mjs'
import { until } from './until.mjs'

const isThere = spawnSync('redis-server', ['--version']).status === 0

/** For a test's options: without redis-server it is skipped aloud, under CI it fails. */
export const needsRedis = isThere || process.env.CI ? {} : { skip: 'redis-server is not installed' }

/** Whether redis-server was built with TLS: otherwise it does not know the option. */
export const speaksTls = isThere && !spawnSync('redis-server', ['--tls-port', 'x']).stderr.includes('Bad directive')

/** Options for a Redis that is well. With the default of 250 ms it is down as soon as the machine is busy. */
export const patient = (redis) => ({ ...(typeof redis === 'string' ? { url: redis } : redis), timeoutMs: 5000 })

/** So many keys take long enough to load, each with so many microseconds. */
const BALLAST = { keys: 2000, delay: 10_000 }

const EVERYTHING = `
local rows = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local read = { hash = 'HGETALL', string = 'GET' }
  local value = redis.call(read[redis.call('TYPE', key).ok] or 'DUMP', key)
  if type(value) == 'table' then value = table.concat(value, '\\n') end
  table.insert(rows, { key = key, value = value, ttl = redis.call('PTTL', key) })
end
return #rows == 0 and '[]' or cjson.encode(rows)`

const TOKEN = `
for _, key in ipairs(redis.call('KEYS', '*:token')) do
  if redis.call('HEXISTS', key, 'value') == 1 then return redis.call('HGET', key, 'print') end
end
return ''`

/** A real redis-server of the test's own, on a free port, that keeps nothing on disk. */
export async function startRedis(t, ...more) {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  let password = ''
  const redis = { port, url: `redis://127.0.0.1:${port}`, process: undefined, start, stop, cli, everything }
  t.after(async () => {
    await stop()
    await rm(folder, { recursive: true })
  })
  await start()
  const faults = { demote, promote, lock, unlock, pause, resume, beginLoading, endLoading }
  return Object.assign(redis, faults, { ask, contents, token })

  async function start() {
    launch()
    let said = ''
    for await (const text of redis.process.stdout.setEncoding('utf8')) {
      said += text
      if (said.includes('Ready to accept connections')) break
    }
    redis.process.stdout.resume()
  }

  function launch(...further) {
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
    const all = [...args, ...more, ...further].map(String)
    redis.process = spawn('redis-server', all, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  async function stop() {
    if (redis.process.exitCode !== null || redis.process.signalCode !== null) return
    redis.process.kill('SIGKILL')
    await once(redis.process, 'close')
  }

  /** redis-cli, on the side. */
  function cli(...args) {
    const { stdout, stderr, status } = spawnSync('redis-cli', ['-p', port, ...args].map(String), asClient())
    if (status !== 0) throw new Error(stderr)
    return stdout.trimEnd()
  }

  /** The same while others here, the fault proxy above all, get on. */
  async function ask(...args) {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', port, ...args].map(String), asClient())
    return stdout.trimEnd()
  }

  function asClient() {
    return {
      encoding: 'latin1',
      maxBuffer: Number.POSITIVE_INFINITY,
      env: { ...process.env, ...(password && { REDISCLI_AUTH: password }) },
    }
  }

  /** Every key with what it holds, as text. */
  function everything() {
    return JSON.parse(cli('--raw', 'EVAL', EVERYTHING, 0))
  }

  /** The same while others here get on. */
  async function contents() {
    return JSON.parse(await ask('--raw', 'EVAL', EVERYTHING, 0))
  }

  /** The fingerprint of the stored token, if there is one. */
  function token() {
    return ask('EVAL', TOKEN, 0)
  }

  /** Takes no writes any more, like a master after a failover: READONLY. */
  function demote() {
    return ask('REPLICAOF', '127.0.0.1', 1)
  }

  function promote() {
    return ask('REPLICAOF', 'NO', 'ONE')
  }

  /** Wants a password, from those that are connected too: NOAUTH. */
  async function lock() {
    await ask('CONFIG', 'SET', 'requirepass', 'changed')
    password = 'changed'
    await ask('CLIENT', 'KILL', 'TYPE', 'normal')
  }

  async function unlock() {
    await ask('CONFIG', 'SET', 'requirepass', '')
    password = ''
  }

  /** Does nothing any more, while its connections stand. */
  function pause() {
    redis.process.kill('SIGSTOP')
  }

  function resume() {
    redis.process.kill('SIGCONT')
  }

  /** Starts again with what it held, and answers LOADING for some seconds or until `endLoading`. */
  async function beginLoading() {
    // In a database of their own, so that no test takes them for the client's.
    const fill = `for n = 1, ${BALLAST.keys} do redis.call('SET', 'ballast' .. n, string.rep('x', 2000)) end`
    await ask('-n', 1, 'EVAL', fill, 0)
    await ask('CONFIG', 'SET', 'rdbcompression', 'no')
    await ask('SAVE')
    await stop()
    launch('--key-load-delay', BALLAST.delay, '--loading-process-events-interval-bytes', 1024)
    redis.process.stdout.resume()
    await until(async () => (await pinged()).startsWith('LOADING'))
  }

  async function endLoading() {
    await ask('CONFIG', 'SET', 'key-load-delay', 0)
    await until(async () => (await pinged()) === 'PONG')
    await ask('-n', 1, 'FLUSHDB')
    await rm(join(folder, 'dump.rdb'))
  }

  function pinged() {
    return ask('PING').catch(() => '')
  }
}

/** The same over TLS. `tls` has its port, and the root that signed its certificate. */
export async function startTlsRedis(t) {
  const [port, { ca, key, cert }] = await Promise.all([freePort(), certificates()])
  const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  const [keyFile, certFile, caFile] = ['key', 'cert', 'ca'].map((name) => join(folder, `${name}.pem`))
  await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert), writeFile(caFile, ca)])
  const files = ['--tls-key-file', keyFile, '--tls-cert-file', certFile, '--tls-ca-cert-file', caFile]
  const redis = await startRedis(t, '--tls-port', port, ...files, '--tls-auth-clients', 'no')
  return Object.assign(redis, { tls: { port, ca } })
}
