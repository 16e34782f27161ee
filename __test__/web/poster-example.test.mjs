import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pngjs from 'pngjs'
import { setup, suite } from '../support/suite.mjs'

const FOLDER = fileURLToPath(new URL('../../examples/poster/', import.meta.url))

/** The example as `npm start` starts it, with its posters in a folder for a day. */
async function run(t, env = {}) {
  const { scripts } = JSON.parse(await readFile(join(FOLDER, 'package.json'), 'utf8'))
  const OUT = await mkdtemp(join(tmpdir(), 'wxacode-poster-'))
  t.after(() => rm(OUT, { recursive: true, force: true }))
  const { NODE_TEST_CONTEXT, WXACODE_APPID, WXACODE_SECRET, WXACODE_BASE_URL, ...own } = process.env
  const [, ...args] = scripts.start.split(' ')
  const ended = await new Promise((resolve) => {
    const options = { cwd: FOLDER, env: { ...own, ...env, OUT } }
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    )
  })
  return { ...ended, OUT, names: (await readdir(OUT)).sort(), poster: (name) => readFile(join(OUT, name)) }
}

const environmentOf = ({ appid, secret, baseUrl }) => ({
  WXACODE_APPID: appid,
  WXACODE_SECRET: secret,
  WXACODE_BASE_URL: baseUrl,
})

suite('the example of a poster', (test) => {
  test('draws one for each shop, with its code and the logo, without an account', async (t) => {
    const { code, stdout, stderr, OUT, names, poster } = await run(t)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^3 posters in ${OUT}$`, 'm'))
    assert.deepEqual(names, ['bund.png', 'pudong.png', 'xuhui.png'])
    for (const name of names) {
      const { width, height, data } = pngjs.PNG.sync.read(await poster(name))
      const colorAt = (x, y) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)]
      assert.deepEqual([width, height], [1240, 1748])
      assert.deepEqual(colorAt(620, 1330), [217, 72, 15], 'the logo')
      assert.deepEqual(colorAt(300, 900), [255, 255, 255], 'the plate')
      assert.deepEqual(colorAt(620, 20), [18, 102, 79], 'the ground')
    }
  })

  test('requests codes as wide as they are drawn, and names the shop that has none', async (t) => {
    const { fake, options } = await setup(t, { shape: 'round' })
    fake.fail(41030)
    const { code, stdout, stderr, names } = await run(t, environmentOf(options))
    assert.equal(code, 1)
    assert.match(stdout, /^2 posters in /m)
    assert.match(stderr, /^(bund|xuhui|pudong): getUnlimitedQRCode: 41030 /m)
    assert.equal(names.length, 2)
    const bodies = fake.requests
      .filter(({ endpoint }) => endpoint === 'getwxacodeunlimit')
      .map(({ body }) => JSON.parse(body))
    assert.deepEqual([...new Set(bodies.map(({ width }) => width))], [640])
  })

  test('says what is wrong with a code that is not round', async (t) => {
    const { options } = await setup(t)
    const { code, stderr } = await run(t, environmentOf(options))
    assert.equal(code, 1)
    assert.match(stderr, /^bund: ERR_IMAGE_CODE code/m)
  })
})
