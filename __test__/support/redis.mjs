import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const isThere = spawnSync('redis-server', ['--version']).status === 0

/** For a test's options: without redis-server it is skipped aloud, under CI it fails. */
export const needsRedis = isThere || process.env.CI ? {} : { skip: 'redis-server is not installed' }

/** A real redis-server of the test's own, on a free port, that keeps nothing on disk. */
export async function startRedis(t, ...more) {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  const redis = { port, url: `redis://127.0.0.1:${port}`, process: undefined, start, stop, cli, everything }
  t.after(async () => {
    await stop()
    await rm(folder, { recursive: true })
  })
  await start()
  return redis

  async function start() {
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...more]
    redis.process = spawn('redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const text of redis.process.stdout.setEncoding('utf8')) {
      said += text
      if (said.includes('Ready to accept connections')) break
    }
    redis.process.stdout.resume()
  }

  async function stop() {
    if (redis.process.exitCode !== null || redis.process.signalCode !== null) return
    redis.process.kill('SIGKILL')
    await once(redis.process, 'close')
  }

  /** redis-cli, on the side. */
  function cli(...args) {
    const { stdout, stderr, status } = spawnSync('redis-cli', ['-p', port, ...args].map(String), { encoding: 'latin1' })
    if (status !== 0) throw new Error(stderr)
    return stdout.trimEnd()
  }

  /** Every key with what it holds, as text. */
  function everything() {
    const keys = cli('--raw', 'KEYS', '*').split('\n').filter(Boolean)
    return keys.map((key) => {
      const read = { hash: 'HGETALL', string: 'GET' }[cli('TYPE', key)]
      return { key, value: cli('--raw', read, key), ttl: Number(cli('PTTL', key)) }
    })
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
