import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeKey } from 'wxacode'
import { newDirectory } from '../support/code-files.mjs'
import { asked } from '../support/decode.mjs'
import { setup, suite, times } from '../support/suite.mjs'

const FOLDER = fileURLToPath(new URL('../../examples/s3/', import.meta.url))
const requireOfExample = createRequire(join(FOLDER, 'upload.mjs'))

/** A store that speaks S3, an account of a fake, and the example with both. */
async function start(t) {
  const { fake, options } = await setup(t)
  const S3rver = requireOfExample('s3rver')
  const { GetObjectCommand, ListObjectsV2Command, S3Client } = requireOfExample('@aws-sdk/client-s3')
  const directory = await mkdtemp(join(tmpdir(), 'wxacode-s3-'))
  const Bucket = 'codes'
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: Bucket }],
  })
  const endpoint = `http://127.0.0.1:${(await server.run()).port}`
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  t.after(async () => {
    s3.destroy()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })
  const env = {
    WXACODE_APPID: options.appid,
    WXACODE_SECRET: options.secret,
    WXACODE_BASE_URL: options.baseUrl,
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
  }
  return {
    fake,
    appid: options.appid,
    run: (shops) => spawned(t, 'upload.mjs', { ...env, SHOPS: String(shops) }),
    cache: (shops, directory) => spawned(t, 'cache.mjs', { ...env, SHOPS: String(shops), CODES_DIRECTORY: directory }),
    async names() {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
      return Contents.map(({ Key }) => Key).sort()
    },
    async object(Key) {
      const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      return { ContentType, image: Buffer.from(await Body.transformToByteArray()) }
    },
  }
}

/** A program of the example as its command starts it. */
function spawned(t, program, env) {
  const { NODE_TEST_CONTEXT, ...own } = process.env
  const child = spawn(process.execPath, ['--import', '../fake.mjs', '--import', './store.mjs', program], {
    cwd: FOLDER,
    env: { ...own, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  return { child, done: once(child, 'close').then(([code]) => ({ code, ...output })) }
}

/** The scenes that WeChat was asked for, each once. */
const scenesOf = (fake) =>
  new Set(
    fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit').map(({ body }) => JSON.parse(body).scene),
  )

suite('the example of a store that speaks S3', (test) => {
  test('its commands are those of its package', async () => {
    const { scripts } = JSON.parse(await readFile(join(FOLDER, 'package.json'), 'utf8'))
    const commandOf = (program) => `node --import ../fake.mjs --import ./store.mjs ${program}`
    assert.deepEqual(scripts, { start: commandOf('upload.mjs'), cache: commandOf('cache.mjs') })
  })

  test('as a store of the cache: a restart has the disk, another machine the store', async (t) => {
    const { fake, cache, names, object } = await start(t)
    const [here, there] = [newDirectory(t), newDirectory(t)]
    for (const [directory, disk, store, wechat] of [
      [here, 0, 0, 5],
      [here, 5, 0, 0],
      [there, 0, 5, 0],
      ['', 0, 5, 0],
    ]) {
      const { code, stdout, stderr } = await cache(5, directory).done
      const says = `${disk} from the disk, ${store} from the store, ${wechat} from WeChat\n`
      assert.deepEqual([code, stdout, stderr], [0, says, ''])
    }
    assert.equal(scenesOf(fake).size, 5)
    const [name] = await names()
    const { ContentType, image } = await object(name)
    assert.deepEqual([ContentType, asked(image).page], ['image/jpeg', 'pages/index/index'])
  })

  test('uploads each code once, under its key, with its type', async (t) => {
    const { fake, appid, run, names, object } = await start(t)
    assert.deepEqual(await run(5).done, { code: 0, stdout: '5 uploaded, 0 there already, 0 failed\n', stderr: '' })
    const scenes = times(5, (n) => `shop=${n + 1}`)
    const keyOf = (scene) => `${appid}/${codeKey({ scene, page: 'pages/index/index' })}.jpg`
    assert.deepEqual(await names(), scenes.map(keyOf).sort())
    for (const scene of scenes) {
      const { ContentType, image } = await object(keyOf(scene))
      assert.deepEqual([ContentType, asked(image).scene], ['image/jpeg', scene])
    }
    const before = fake.count('codes')
    assert.equal((await run(7).done).stdout, '2 uploaded, 5 there already, 0 failed\n')
    assert.deepEqual([...scenesOf(fake)].slice(5).sort(), ['shop=6', 'shop=7'])
    assert.ok(fake.count('codes') > before)
  })

  test('goes on after it was killed, and requests nothing that the store has', async (t) => {
    const { fake, run, names } = await start(t)
    const killed = run(60)
    await fake.arrived(20, 'codes')
    killed.child.kill('SIGKILL')
    await killed.done
    const there = (await names()).length
    assert.ok(there < 60)
    const before = fake.count('codes')
    const { stdout } = await run(60).done
    const [, uploaded, kept] = /^(\d+) uploaded, (\d+) there already, 0 failed\n$/.exec(stdout)?.map(Number) ?? [stdout]
    // The store may have been about to write what the killed process had sent.
    assert.ok(kept >= there && uploaded + kept === 60, stdout)
    assert.equal((await names()).length, 60)
    assert.ok(fake.count('codes') - before >= uploaded)
    assert.equal(scenesOf(fake).size, 60)
  })

  test('a code that WeChat refuses is named, and the others are uploaded', async (t) => {
    const { fake, run, names } = await start(t)
    fake.fail(41030)
    const { code, stdout, stderr } = await run(3).done
    assert.deepEqual([code, stdout], [1, '2 uploaded, 0 there already, 1 failed\n'])
    assert.match(stderr, /^shop \d: getUnlimitedQRCode: 41030 /)
    assert.equal((await names()).length, 2)
  })
})
