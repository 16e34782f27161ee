import assert from 'node:assert/strict'
import { start } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { startFaultProxy } from './support/faults.mjs'
import { setup, suite } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** An instance of a function: the client stands outside the handler, which is called once for each line. */
const INSTANCE = `
import { createInterface } from 'node:readline'
const wxa = new WxaCode(given)
for await (const scene of createInterface({ input: process.stdin })) {
  const said = await wxa.getUnlimitedQRCode({ scene, checkPath: false }).then(
    (image) => ({ image: image.toString('base64') }),
    ({ code, message }) => ({ code, message }),
  )
  console.log(JSON.stringify({ ...said, replays: wxa.stats().replays }))
}
`

/** Seconds that a token lives where a test waits for its end: the client believes in no shorter life. */
const SHORT = 15

/** An instance whose connections can be forgotten. */
async function begin(t, { timeoutMs = 600_000, ...fakeOptions } = {}) {
  const here = await setup(t, fakeOptions, { timeoutMs })
  const network = await startFaultProxy(t, Number(new URL(here.fake.url).port))
  const { child, output } = start(INSTANCE, { given: { ...here.options, baseUrl: network.url('http') } })
  t.after(() => child.kill('SIGKILL'))
  let calls = 0
  const lines = () => output.stdout.split('\n').slice(0, -1)
  /** Gives what came of a call at once: to look at a picture takes so long that connections end. */
  async function invoke() {
    child.stdin.write(`id=${++calls}\n`)
    assert.ok(await until(() => lines().length === calls || child.exitCode !== null), 'no answer')
    const { image, replays, message } = JSON.parse(lines().at(-1) ?? output.stderr)
    assert.ok(image, message)
    return { scene: () => asked(Buffer.from(image, 'base64')).scene, replays }
  }
  return { ...here, network, invoke, freeze: () => child.kill('SIGSTOP'), thaw: () => child.kill('SIGCONT') }
}

const refusals = ({ requests }) => requests.filter(({ errcode }) => errcode !== undefined).map(({ errcode }) => errcode)

suite('a process that was frozen, as serverless platforms do between two calls', (test) => {
  test('fetches a new token if the old one has expired meanwhile, before it calls WeChat', async (t) => {
    const { fake, invoke, freeze, thaw } = await begin(t, { tokenLife: SHORT })
    await invoke()
    freeze()
    assert.ok(await until(() => fake.liveTokens().length === 0))
    const tokens = fake.count('tokens')
    thaw()
    assert.equal((await invoke()).scene(), 'id=2')
    assert.ok(fake.count('tokens') > tokens)
    assert.deepEqual(refusals(fake), [])
  })

  test('gets a code even if its clock stood still with it, after a refusal that the caller does not see', async (t) => {
    const { fake, invoke, freeze, thaw } = await begin(t)
    await invoke()
    freeze()
    fake.clock.advance(7200)
    thaw()
    const [second, third] = [await invoke(), await invoke()]
    assert.deepEqual([second.scene(), third.scene()], ['id=2', 'id=3'])
    assert.deepEqual([second.replays, third.replays], [1, 1])
    assert.deepEqual(refusals(fake), [42001])
  })

  test('waits once for connections that died meanwhile, also if the token expired too', async (t) => {
    const { fake, network, invoke, freeze, thaw } = await begin(t, { tokenLife: SHORT, timeoutMs: 20_000 })
    await invoke()
    await network.set('forget')
    freeze()
    assert.ok(await until(() => fake.liveTokens().length === 0))
    thaw()
    assert.equal((await invoke()).scene(), 'id=2')
    assert.equal(network.seen.swallowed, 1)
    assert.deepEqual(refusals(fake), [])
  })
})
