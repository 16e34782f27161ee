import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { WxaCode } from 'wxacode'
import { newAppid, newSecret } from './support/suite.mjs'

const place = (name) => fileURLToPath(new URL(`./support/${name}`, import.meta.url))

/** Where a machine that is busy never is, and a client that reads what it got without end always. */
const LONGEST = 3000

// All accounts of a process share one native thread. What it does for one of them, the others wait for.
describe('the longest pause of one account', { timeout: 300_000 }, () => {
  it('is no longer while the server of another account sends pathological responses', async (t) => {
    const well = fork(place('well-server.mjs'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    t.after(() => well.kill())
    const [url] = await once(well.stdout, 'data')
    const wxa = new WxaCode({ appid: newAppid(), secret: newSecret(), baseUrl: String(url).trim(), timeoutMs: 60_000 })
    // In a thread of its own, so that its JavaScript does not block this thread.
    const hostile = new Worker(place('hostile.mjs'))
    t.after(() => hostile.terminate())
    const [names] = await once(hostile, 'message')

    /** The longest call of ours while the other account makes its calls, and what came of those. */
    async function during(name) {
      hostile.postMessage(name)
      let outcomes
      hostile.once('message', (message) => {
        outcomes = message
      })
      let longest = 0
      for (let calls = 0; outcomes === undefined || calls < 50; calls++) {
        const begun = performance.now()
        await wxa.createQRCode({ path: 'a' })
        longest = Math.max(longest, performance.now() - begun)
      }
      return { longest, outcomes }
    }

    await wxa.createQRCode({ path: 'a' })
    // The same bytes on the way, of which nothing has to be made: what this machine takes for that.
    const first = await during('a picture')
    assert.ok(first.outcomes.includes('fulfilled'), String(first.outcomes))
    const bound = Math.max(LONGEST, 10 * first.longest)
    for (const name of names) {
      const { longest, outcomes } = await during(name)
      t.diagnostic(`${name}: ${longest.toFixed(1)} ms, ${outcomes}`)
      assert.ok(longest < bound, `${name}: ${longest.toFixed()} ms, with a picture ${first.longest.toFixed()} ms`)
    }
  })
})
