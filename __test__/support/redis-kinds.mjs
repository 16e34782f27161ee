import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { certificates } from './certificates.mjs'
import { freePort } from './ports.mjs'
import { startRedis } from './redis.mjs'
import { times } from './suite.mjs'
import { until } from './until.mjs'

const run = promisify(execFile)

/** The keys in this database. */
export const keysOf = (redis) => redis.cli('--raw', 'KEYS', '*').split('\n').filter(Boolean)

/** How many clients it has, besides the one that asks. */
export const clients = (redis) => redis.cli('CLIENT', 'LIST', 'TYPE', 'normal').split('\n').length - 1

/** How often it has answered with an error, by its first word. */
export function errorsOf(redis) {
  const rows = redis.cli('INFO', 'errorstats').matchAll(/^errorstat_(\w+):count=(\d+)/gm)
  return Object.fromEntries([...rows].map(([, word, count]) => [word, Number(count)]))
}

/** A redis-server that listens on a socket, too. */
export async function startSocketRedis(t) {
  const redis = await startRedis(t, '--unixsocket', 'redis.sock')
  const [, folder] = redis.cli('CONFIG', 'GET', 'dir').split('\n')
  return { ...redis, url: `unix://${folder}/redis.sock` }
}

/** A redis-server that speaks TLS, too, with a certificate that the root `ca` has signed. `tls` is how it is set up. */
export async function startTlsRedis(t) {
  const folder = await temporary(t)
  const { ca, key, cert } = await certificates()
  const write = async (name, text) => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const tls = {
    'tls-ca-cert-file': await write('ca.pem', ca),
    'tls-cert-file': await write('cert.pem', cert),
    'tls-key-file': await write('key.pem', key),
    'tls-auth-clients': 'no',
  }
  const tlsPort = await freePort()
  const args = Object.entries({ 'tls-port': tlsPort, ...tls }).flatMap(([name, value]) => [`--${name}`, value])
  const redis = await startRedis(t, ...args)
  return { ...redis, ca, tls, tlsPort, url: `rediss://127.0.0.1:${tlsPort}` }
}

/** A master and its replica. */
export async function startPair(t) {
  const master = await startRedis(t, '--repl-diskless-sync-delay', 0)
  const replica = await startRedis(t, '--replicaof', '127.0.0.1', master.port)
  await until(() => replica.cli('INFO', 'replication').includes('master_link_status:up'))
  return [master, replica]
}

/** A sentinel that looks after the master at a port, by the name of `main`. `ask(field)` is what it knows of the master. */
export async function startSentinel(t, master, more = {}) {
  const folder = await temporary(t)
  const port = await freePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor main 127.0.0.1 ${master} 1`,
    'sentinel down-after-milliseconds main 1000',
    ...Object.entries(more).map(([name, value]) => `${name} ${value}`),
  ]
  await writeFile(join(folder, 'sentinel.conf'), lines.join('\n'))
  const server = spawn('redis-server', [join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' })
  t.after(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'close')
  })
  const ask = async (field) => {
    const { stdout } = await run('redis-cli', ['-p', port, 'SENTINEL', 'MASTER', 'main'].map(String))
    const rows = stdout.split('\n')
    return rows[rows.indexOf(field) + 1]
  }
  const flags = () => ask('flags').catch(() => 'not there yet')
  await until(async () => (await flags()) === 'master')
  return { port, ask }
}

/** A cluster of three masters. Each knows its `id`. */
export async function startCluster(t, ...more) {
  const bus = await Promise.all(times(3, freePort))
  const servers = bus.map((port) => startRedis(t, '--cluster-enabled', 'yes', '--cluster-port', port, ...more))
  const nodes = await Promise.all(servers)
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
  await until(() => nodes.every(({ cli }) => cli('CLUSTER', 'INFO').includes('cluster_state:ok')))
  return nodes.map((node) => ({ ...node, id: node.cli('CLUSTER', 'MYID') }))
}

/** Moves the slot of a key from one node of a cluster to another, step by step. */
export function slotMove(nodes, key, from, to) {
  const slot = from.cli('CLUSTER', 'KEYSLOT', key)
  const mark = (node, ...how) => assert.equal(node.cli('CLUSTER', 'SETSLOT', slot, ...how), 'OK')
  return {
    begin() {
      mark(to, 'IMPORTING', from.id)
      mark(from, 'MIGRATING', to.id)
    },
    keys() {
      const keys = from.cli('CLUSTER', 'GETKEYSINSLOT', slot, 100).split('\n').filter(Boolean)
      assert.equal(from.cli('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys), 'OK')
    },
    end() {
      const others = nodes.filter((node) => node !== to && node !== from)
      for (const node of [to, from, ...others]) mark(node, 'NODE', to.id)
    },
  }
}

async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}
