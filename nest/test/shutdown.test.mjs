import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WxaCode, WxaPlatform } from 'wxacode'
import { getWxaCodeToken, WxaCodeModule } from 'wxacode-nest'
import { start } from '../../__test__/support/child.mjs'
import { asked } from '../../__test__/support/decode.mjs'
import { newAppid } from '../../__test__/support/suite.mjs'
import { failure, setup, startApp, suite } from './app.mjs'

/** An application that makes codes from its start on, and is told to stop by a signal. */
const APP = `
import 'reflect-metadata'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WxaCode } from 'wxacode'
import { WxaCodeModule } from 'wxacode-nest'
const given = JSON.parse(process.env.TEST_GIVEN)
class AppModule {}
Module({ imports: [WxaCodeModule.forRoot({ ...given.options, shutdownTimeoutMs: 60_000 })] })(AppModule)
const app = await NestFactory.create(AppModule, { logger: false })
app.enableShutdownHooks()
await app.listen(0, '127.0.0.1')
function* jobs() {
  for (let n = 0; ; n++) yield { kind: 'unlimited', scene: 'id=' + n, width: 280 }
}
let written = 0
try {
  for await (const { job, image, error } of app.get(WxaCode).batch(jobs(), { concurrency: 4 })) {
    if (error) throw error
    const file = join(given.folder, job.scene + '.jpg')
    await writeFile(file, image.subarray(0, 100))
    await writeFile(file, image)
    written += 1
  }
} catch (error) {
  console.log(error.code, written)
}
`

/** The scenes that were asked for: on a busy machine a request may be sent again. */
const scenesAsked = (fake) =>
  new Set(
    fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit').map(({ body }) => JSON.parse(body).scene),
  )

suite('the shutdown of an application', (test) => {
  test('closes its clients and platforms, after the calls under way', async (t) => {
    const { fake, options } = await setup(t)
    const platform = { appid: newAppid(), secret: options.secret, store: 'memory' }
    const { app } = await startApp(t, {
      imports: [
        WxaCodeModule.forRoot(options),
        WxaCodeModule.forRoot({ ...options, name: 'other' }),
        WxaCodeModule.forPlatform(platform),
      ],
    })
    const clients = [app.get(WxaCode), app.get(getWxaCodeToken('other'))]
    const hold = fake.hold('codes')
    const call = clients[0].getQRCode({ path: 'a' })
    await fake.arrived(1, 'codes')
    const closing = app.close()
    hold.release()
    await closing
    assert.equal(asked(await call).path, 'a')
    for (const wxa of clients) assert.equal((await failure(wxa.ready())).code, 'ERR_WXA_CLOSED')
    assert.equal((await failure(app.get(WxaPlatform).ready())).code, 'ERR_WXA_CLOSED')
  })

  test('waits no longer than shutdownTimeoutMs', async (t) => {
    const { fake, options } = await setup(t)
    const { app } = await startApp(t, { imports: [WxaCodeModule.forRoot({ ...options, shutdownTimeoutMs: 50 })] })
    fake.hold('codes')
    const call = failure(app.get(WxaCode).getQRCode({ path: 'a' }))
    await fake.arrived(1, 'codes')
    await app.close()
    assert.equal((await call).code, 'ERR_WXA_CLOSED')
  })

  test('on SIGTERM lets a batch write what was paid for, every file whole', async (t) => {
    const { fake, options } = await setup(t)
    const folder = mkdtempSync(join(tmpdir(), 'wxacode-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const { child, done } = start(APP, { given: { options, folder }, preamble: '' })
    await fake.arrived(12, 'codes')
    child.kill('SIGTERM')
    const { signal, stdout, stderr } = await done
    // Nest sends the signal to itself again when all is closed.
    assert.deepEqual([signal, stderr], ['SIGTERM', ''])
    const files = readdirSync(folder)
    assert.equal(stdout, `ERR_WXA_CLOSED ${files.length}\n`)
    assert.equal(files.length, scenesAsked(fake).size)
    for (const file of files) assert.equal(`${asked(readFileSync(join(folder, file))).scene}.jpg`, file)
  })
})
