import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port on which no server listens, and none will by chance: what the system itself gives out, to servers that ask for
 * any port and to connections, lies above these.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 32_768)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      ({ code }) => {
        if (code !== 'EADDRINUSE') throw new Error(`port ${port}: ${code}`)
      },
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** The URL of a port on which no server listens. */
export const deadUrl = async () => `http://127.0.0.1:${await freePort()}`
