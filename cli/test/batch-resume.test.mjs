import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { asked, decode } from '../../__test__/support/decode.mjs'
import { listOf, setupBatch, suite } from './helpers.mjs'

suite('batch that stops and goes on', (test) => {
  test('fetches nothing again in a second run', async (t) => {
    const { batch, requested } = await setupBatch(t, listOf(5))
    await batch()
    assert.equal(requested().length, 5)
    const { code, json } = await batch()
    assert.deepEqual([code, json().written, json().kept], [0, 0, 5])
    assert.deepEqual(requested(), [])
  })

  test('fetches deleted, cut and overwritten pictures again, and no others', async (t) => {
    const { batch, file, requested, picture } = await setupBatch(t, listOf(5))
    await batch()
    requested()
    rmSync(file('codes/id=1.png'))
    truncateSync(file('codes/id=2.png'), 1000)
    writeFileSync(file('codes/id=3.png'), picture('id=4.png'))
    const { json } = await batch()
    assert.deepEqual([json().written, json().kept], [3, 2])
    assert.deepEqual(requested(), ['id=1', 'id=2', 'id=3'])
    for (const id of [1, 2, 3]) assert.equal(asked(picture(`id=${id}.png`)).scene, `id=${id}`)
  })

  test('replaces the picture of a row whose parameters have changed', async (t) => {
    const { batch, file, pictures, picture } = await setupBatch(t, 'scene,name,isHyaline\na,one,1\nb,two,1\n')
    await batch()
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nA,one,1\nb,two,0\n')
    const { json } = await batch()
    assert.deepEqual([json().written, json().kept], [2, 0])
    assert.deepEqual(pictures(), ['one.png', 'two.jpg'])
    assert.equal(asked(picture('one.png')).scene, 'A')
    assert.equal(decode(picture('two.jpg')).type, 'image/jpeg')
  })

  test('fetches all codes again for another appid', async (t) => {
    const other = { appid: 'wx1111111111111111', secret: '1'.repeat(32) }
    const { batch, requested } = await setupBatch(t, listOf(1))
    await batch()
    assert.equal(requested().length, 1)
    const refused = await batch(['--appid', other.appid])
    assert.deepEqual([refused.code, refused.json().kept], [3, 0])
    assert.deepEqual(requested(), [])
  })

  test('does not trust a picture after a crash between journal and file', async (t) => {
    const { batch, file, requested, picture, hidden } = await setupBatch(t, 'scene,name,isHyaline\nnew,one,1\n')
    await batch()
    assert.deepEqual(requested(), ['new'])
    const line = readFileSync(file('codes/.wxacode/journal.jsonl'), 'utf8').trim()
    // As if `old` had been asked for and written, and then `new` asked for but not yet written.
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nold,one,1\n')
    await batch()
    assert.deepEqual(requested(), ['old'])
    appendFileSync(file('codes/.wxacode/journal.jsonl'), line)
    for (const name of ['picture.tmp', 'print.tmp.html'])
      writeFileSync(file(`codes/.wxacode/${name}`), 'half of a pict')
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nnew,one,1\n')
    assert.equal((await batch()).json().written, 1)
    assert.equal(asked(picture('one.png')).scene, 'new')
    assert.deepEqual(requested(), ['new'])
    assert.deepEqual(hidden(), ['journal.jsonl'])
  })

  test('reads the lines of the journal after one that was cut', async (t) => {
    const { batch, file } = await setupBatch(t, listOf(1))
    await batch()
    appendFileSync(file('codes/.wxacode/journal.jsonl'), '{"name":"cut o')
    writeFileSync(file('list.csv'), listOf(2))
    assert.equal((await batch()).json().written, 1)
    assert.equal((await batch()).json().kept, 2)
  })

  test('stops when the account is refused, exits with 3, and sends no further request', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(200))
    await fake.fail(45009, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
    const { code, json } = await batch()
    assert.equal(code, 3)
    assert.equal(json().error.errcode, 45009)
    assert.ok(json().notAsked > 100)
    assert.equal(json().failed + json().notAsked, 200)
    assert.equal(fake.count('codes'), 0)
  })

  test('gives up after fifty rows without a response, exits with 4, and continues with the same command', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(200))
    const failing = fake.fail('reset', { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    const { code, json } = await batch(['--retries', '0'])
    assert.equal(code, 4)
    assert.equal(json().error.code, 'ERR_WXA_NETWORK')
    assert.deepEqual([json().failed, json().notAsked], [50, 150])
    failing.stop()
    assert.equal((await batch(['--timeout', '100', '--retries', '5'])).json().written, 200)
  })

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    test(`stops on ${signal} with ${exitCode}, a report and no half-written file, and continues with the same command`, async (t) => {
      const { begin, batch, fake, file, hidden, pictures } = await setupBatch(t, `${listOf(100)}bad%,280,true\n`)
      const held = { count: 0 }
      fake.fail('hang', { endpoint: 'codes', times: Number.POSITIVE_INFINITY, where: () => ++held.count > 40 })
      const { child, done, output } = begin(['batch', 'list.csv', '--out', 'codes'])
      await fake.arrived(41, 'codes')
      child.kill(signal)
      const { code, out } = await done
      assert.equal(code, exitCode)
      assert.match(out, /✓ \d+ written.*stopped.*rows not requested: run the same command to continue/s)
      assert.ok(existsSync(file('codes/report.csv')))
      assert.deepEqual(hidden(), ['journal.jsonl'])
      const written = pictures()
      assert.equal(written.length, Number(/✓ (\d+) written/.exec(output.out)[1]))
      for (const name of written) assert.equal(`${asked(readFileSync(file(`codes/${name}`))).scene}.png`, name)
      held.count = Number.NEGATIVE_INFINITY
      const again = await batch()
      assert.deepEqual([again.json().kept, again.json().written], [written.length, 100 - written.length])
    })

  test('refuses a folder that another batch works in', async (t) => {
    const { begin, batch, fake } = await setupBatch(t, listOf(3))
    const hold = fake.hold('codes')
    const first = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(1, 'codes')
    const second = await batch()
    assert.equal(second.code, 2)
    assert.match(second.json().error.cause, new RegExp(`process ${first.child.pid} on \\S+ is writing`))
    hold.release()
    assert.equal((await first.done).code, 0)
    assert.equal((await batch()).json().kept, 3)
  })

  test('stops when another batch has taken its folder, and mixes up no files', async (t) => {
    const { begin, batch, fake, file, picture, hidden } = await setupBatch(t, listOf(30))
    const hold = fake.hold('codes')
    const first = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(1, 'codes')
    // As after minutes of silence, seen from another machine.
    rmSync(file('codes/.wxacode/lock'), { recursive: true })
    const second = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(17, 'codes')
    hold.release()
    const lost = await first.done
    assert.deepEqual([lost.code, JSON.parse(lost.out).error.code], [1, 'ERR_CLI_LOCK'])
    assert.deepEqual((await second.done).json().written, 30)
    for (let id = 1; id <= 30; id++) assert.equal(asked(picture(`id=${id}.png`)).scene, `id=${id}`)
    assert.deepEqual(hidden(), ['journal.jsonl'])
    assert.equal((await batch()).json().kept, 30)
  })
})
