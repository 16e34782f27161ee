import { once } from 'node:events'
import { watch } from 'node:fs'
import { connect, createServer } from 'node:net'

/**
 * The steps of a process that a test can stop it at: what it sends to Redis, through a proxy in front of `port`. `stopAt(n, stop)`
 * calls `stop` in place of the nth step from now, or after Redis has done it, in place of its reply. What a process asks Redis by
 * itself, twice a second, is no step. `goOn` calls it off.
 */
export async function startRedisSteps(t, port) {
  let armed
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', noDelay: true })
    let isCut = false
    const cut = (stop) => {
      isCut = true
      stop()
    }
    client.on('data', (piece) => {
      if (isCut) return
      const isStep = armed && !(piece.includes(':changes') && !/(ended|renewed) wx/.test(piece.toString('latin1')))
      if (isStep) armed.left -= 1
      if (isStep && armed.left === 0) {
        const { stop, after } = armed
        armed = undefined
        if (!after) return cut(stop)
        target.once('data', () => cut(stop))
      }
      target.write(piece)
    })
    target.on('data', (piece) => isCut || client.write(piece))
    for (const [one, other] of [
      [client, target],
      [target, client],
    ]) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return {
    url: `redis://127.0.0.1:${server.address().port}`,
    stopAt(n, stop) {
      armed = { left: Math.ceil(n / 2), after: n % 2 === 0, stop }
    },
    goOn() {
      armed = undefined
    },
  }
}

/** The same of what a process does to the files of a folder: after the nth change from now. */
export function startFileSteps(t, folder) {
  let armed
  const watcher = watch(folder, () => {
    if (!armed) return
    armed.left -= 1
    if (armed.left > 0) return
    const { stop } = armed
    armed = undefined
    stop()
  })
  t.after(() => watcher.close())
  return {
    stopAt(n, stop) {
      armed = { left: n, stop }
    },
    goOn() {
      armed = undefined
    },
  }
}
