import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { asked } from '../../__test__/support/decode.mjs'
import { openFolder } from '../src/batch/folder.js'
import { openJournal } from '../src/batch/journal.js'
import { digest } from '../src/batch/row-plan.js'
import { writeWhole } from '../src/files.js'
import { setupCli, suite } from './helpers.mjs'

const JOURNAL = 'codes/.wxacode/journal.jsonl'

/** Sets up a list of one code `a`, and a folder `codes` of any origin. */
async function setupBatch(t, list = 'scene,isHyaline,width\na,1,280\n') {
  const here = await setupCli(t)
  const { file } = here
  writeFileSync(file('list.csv'), list)
  mkdirSync(file('codes/.wxacode'), { recursive: true })
  mkdirSync(file('elsewhere'))
  writeFileSync(file('elsewhere/victim.txt'), 'precious')
  return {
    ...here,
    batch: (args = [], more) =>
      here.wxacode(
        ['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '100', '--retries', '5', ...args],
        more,
      ),
    /** That nothing happened outside. */
    unharmed() {
      assert.deepEqual(readdirSync(file('elsewhere')), ['victim.txt'])
      assert.equal(readFileSync(file('elsewhere/victim.txt'), 'utf8'), 'precious')
    },
    scene: (name) => asked(readFileSync(file(`codes/${name}`))).scene,
  }
}

/** What a journal says of the question that a list asks under `name`, in every way that it could lead to a file. */
const lines = (name, path) => [
  { name, file: path, type: path, question: 'x', image: 'x', mac: 'x' },
  { name, type: `/../${path}`, question: 'x', image: 'x', mac: 'x' },
  { name: path, file: path, type: 'image/png', question: 'x', image: 'x', mac: 'x' },
  { name: `${name}/../${path}`, type: 'image/jpeg', question: 'x', image: 'x', mac: 'x' },
]

const PATHS = [
  '../elsewhere/victim.txt',
  '..\\elsewhere\\victim.txt',
  '../elsewhere/victim',
  'C:\\victim.txt',
  'NUL',
  'a\0b',
]
const ODD = [
  'null',
  '[]',
  '1',
  '"x"',
  '{}',
  '{"name":1}',
  '{"__proto__":{"type":"image/png"},"name":"a"}',
  '\0',
  '{',
  'é'.repeat(9999),
]

suite('a folder from an unknown source', (test) => {
  test('has a journal that makes a batch delete and overwrite nothing but the pictures of the list', async (t) => {
    const { batch, file, unharmed, scene } = await setupBatch(t)
    writeFileSync(file('codes/victim.txt'), 'mine')
    writeFileSync(file('codes/a.jpg'), 'mine too')
    const all = [...PATHS, file('elsewhere/victim.txt'), 'victim.txt', 'a.jpg', 'image/jpeg'].flatMap((path) =>
      lines('a', path),
    )
    writeFileSync(file(JOURNAL), [...ODD, ...all.map((line) => JSON.stringify(line)), ...ODD].join('\n'))
    const { code, json } = await batch()
    assert.deepEqual([code, json().written], [0, 1])
    unharmed()
    assert.equal(scene('a.png'), 'a')
    assert.equal(readFileSync(file('codes/victim.txt'), 'utf8'), 'mine')
    assert.equal(readFileSync(file('codes/a.jpg'), 'utf8'), 'mine too', 'no picture that this account made')
  })

  test('has pictures that a batch does not trust unless its journal is signed with the AppSecret', async (t) => {
    const { batch, file, fake, account, scene } = await setupBatch(t)
    await batch()
    const forged = readFileSync(file('codes/a.png'))
    // What anybody can do who knows how the journal is written, but not the secret.
    rmSync(file('codes'), { recursive: true })
    writeFileSync(file('list.csv'), 'scene,name,isHyaline,width\nb,a,1,280\n')
    await batch()
    const line = JSON.parse(readFileSync(file(JOURNAL), 'utf8').trim())
    writeFileSync(file('codes/a.png'), forged)
    writeFileSync(file(JOURNAL), JSON.stringify({ ...line, image: digest(forged) }))
    const before = fake.count('codes')
    assert.deepEqual([(await batch()).json().written, fake.count('codes') - before], [1, 1])
    assert.equal(scene('a.png'), 'b')
    assert.ok(!readFileSync(file(JOURNAL), 'utf8').includes(account.secret))
  })

  test('is not fetched again with another AppSecret when its codes count against a permanent limit', async (t) => {
    const list = 'kind,path,scene,name\nlimited,pages/index/index?a=1,,one\nunlimited,,s,two\n'
    const { batch, file, fake } = await setupBatch(t, list)
    assert.equal((await batch()).json().written, 2)
    writeFileSync(file(JOURNAL), readFileSync(file(JOURNAL), 'utf8').replaceAll(/"mac":"..../g, '"mac":"????'))
    const { json } = await batch()
    assert.deepEqual([json().written, json().failed, json().errors], [1, 1, { ERR_CLI_NAME: 1 }])
    assert.equal(fake.count('getwxacode'), 1)
    rmSync(file('codes/one.jpg'))
    assert.equal((await batch()).json().written, 1)
  })

  test('is refused when its hidden folder or its journal is a link', async (t) => {
    const { batch, file, unharmed, fake } = await setupBatch(t)
    rmSync(file('codes/.wxacode'), { recursive: true })
    symlinkSync(file('elsewhere'), file('codes/.wxacode'))
    const hidden = await batch()
    assert.equal(hidden.code, 2)
    assert.match(hidden.json().error.cause, /\.wxacode is a link/)
    unharmed()
    rmSync(file('codes/.wxacode'))
    mkdirSync(file('codes/.wxacode'))
    symlinkSync(file('elsewhere/victim.txt'), file(JOURNAL))
    const journal = await batch()
    assert.equal(journal.code, 2)
    assert.match(journal.json().error.cause, /journal\.jsonl is a link/)
    unharmed()
    rmSync(file(JOURNAL))
    linkSync(file('elsewhere/victim.txt'), file(JOURNAL))
    assert.equal((await batch()).code, 0, 'a second name of a file is not written through')
    unharmed()
    assert.equal(fake.count('codes'), 1)
  })

  test('has links in place of results replaced, and their targets unchanged', async (t) => {
    const { batch, file, unharmed, scene } = await setupBatch(t)
    for (const name of [
      'report.csv',
      'index.html',
      'a.png',
      '.wxacode/picture.tmp',
      '.wxacode/report.tmp',
      '.wxacode/sheet.tmp',
    ])
      symlinkSync(file('elsewhere/victim.txt'), file(`codes/${name}`))
    assert.equal((await batch()).code, 0)
    unharmed()
    for (const name of ['report.csv', 'index.html', 'a.png']) assert.ok(lstatSync(file(`codes/${name}`)).isFile(), name)
    assert.equal(scene('a.png'), 'a')
    assert.deepEqual(readdirSync(file('codes/.wxacode')), ['journal.jsonl'])
  })

  test('is not written through folders that are links, and their rows are not fetched', async (t) => {
    const { batch, file, unharmed, fake } = await setupBatch(t, 'scene,city\na,x\nb,y\nc,z\n')
    symlinkSync(file('elsewhere'), file('codes/x'))
    writeFileSync(file('codes/y'), 'a file')
    const { json } = await batch(['--name', '{city}/deep/{scene}'])
    assert.deepEqual([json().written, json().errors], [1, { ERR_CLI_NAME: 2 }])
    unharmed()
    assert.equal(fake.count('codes'), 1)
    assert.deepEqual(readdirSync(file('codes/z/deep')), ['c.jpg'])
  })

  test('may itself be a link', async (t) => {
    const { batch, file } = await setupBatch(t)
    renameSync(file('codes'), file('real'))
    symlinkSync(file('real'), file('codes'))
    assert.equal((await batch()).code, 0)
    assert.ok(existsSync(file('real/a.png')))
  })

  test('has links and pipes in place of pictures ignored', async (t) => {
    const { batch, file, fake } = await setupBatch(t)
    await batch()
    renameSync(file('codes/a.png'), file('elsewhere/a.png'))
    symlinkSync(file('elsewhere/a.png'), file('codes/a.png'))
    assert.equal((await batch()).json().written, 1)
    assert.ok(lstatSync(file('codes/a.png')).isFile())
    assert.equal(fake.count('codes'), 2)
    for (const name of ['codes/a.png', JOURNAL]) {
      rmSync(file(name))
      assert.equal(spawnSync('mkfifo', [file(name)]).status, 0)
      const { code, json } = await batch()
      if (name === JOURNAL) assert.match(json().error.cause, /journal\.jsonl is a link or not a plain file/)
      else assert.deepEqual([code, json().written], [0, 1])
    }
  })
})

suite('temporary files', (test) => {
  test('have unique names, and never overwrite a file', async (t) => {
    const { file } = await setupCli(t)
    const [one, other] = ['one', 'other'].map((name) => openFolder(file(name)))
    const names = [one.temporary('picture'), one.temporary('picture'), other.temporary('picture')]
    assert.equal(new Set(names.map((name) => name.slice(-40))).size, 3)
    for (const name of names) assert.match(name, /[0-9a-f-]{36}\.tmp$/)
    one.close()
    other.close()
  })

  test('of one run are left alone by the next run, and by the first one when it exits', async (t) => {
    const { file } = await setupCli(t)
    const first = openFolder(file('codes'))
    const mine = first.temporary('picture')
    rmSync(file('codes/.wxacode/lock'), { recursive: true })
    const second = openFolder(file('codes'))
    const theirs = second.temporary('picture')
    writeFileSync(mine, 'mine')
    writeFileSync(theirs, 'theirs')
    assert.throws(() => first.publish(mine, 'a.png'), { code: 'ERR_CLI_LOCK' })
    assert.throws(() => first.remove('a.png'), { code: 'ERR_CLI_LOCK' })
    first.close()
    second.publish(theirs, 'a.png')
    assert.equal(readFileSync(file('codes/a.png'), 'utf8'), 'theirs')
    second.close()
    assert.deepEqual(readdirSync(file('codes/.wxacode')), [])
  })

  test('of a single code are not written through a link, and replace the file as a whole', async (t) => {
    const { file } = await setupCli(t)
    writeFileSync(file('victim.txt'), 'precious')
    symlinkSync(file('victim.txt'), file(`.code.jpg.${process.pid}.tmp`))
    symlinkSync(file('victim.txt'), file('code.jpg'))
    writeWhole(file('code.jpg'), 'new')
    assert.deepEqual(
      [readFileSync(file('code.jpg'), 'utf8'), readFileSync(file('victim.txt'), 'utf8')],
      ['new', 'precious'],
    )
    writeWhole(file('a/b/code.jpg'), 'deep')
    assert.deepEqual(readdirSync(file('a/b')), ['code.jpg'])
  })
})

suite('a journal', (test) => {
  const plan = (name, question) => ({ name, question })
  const PNG = Buffer.from('a picture')

  test('identifies a file by its name, parameters, bytes and signature', async (t) => {
    const { file } = await setupCli(t)
    const folder = openFolder(file('codes'))
    t.after(folder.close)
    const journal = await openJournal(folder, 'key')
    journal.add(plan('a', 'q'), 'image/png', PNG)
    writeFileSync(join(folder.path, 'a.png'), PNG)
    journal.close()
    const again = await openJournal(folder, 'key')
    assert.equal(await again.statusOf(plan('a', 'q')), 'yes')
    assert.equal(again.fileOf(plan('a', 'q')), 'a.png')
    assert.equal(await again.statusOf(plan('a', 'other')), 'no')
    assert.equal(again.add(plan('a', 'q'), 'image/jpeg', PNG), 'a.png', 'which it takes the place of')
    again.close()
    const stranger = await openJournal(folder, 'another key')
    writeFileSync(join(folder.path, 'a.jpg'), PNG)
    assert.equal(await stranger.statusOf(plan('a', 'q')), 'unverified')
    assert.equal(stranger.fileOf(plan('a', 'q')), undefined)
    assert.equal(stranger.add(plan('a', 'q'), 'image/png', PNG), undefined, 'nothing of a stranger is deleted')
    stranger.close()
  })

  test('has lines that are invalid for another file name', async (t) => {
    const { file } = await setupCli(t)
    const folder = openFolder(file('codes'))
    t.after(folder.close)
    const journal = await openJournal(folder, 'key')
    journal.add(plan('a', 'q'), 'image/png', PNG)
    journal.close()
    writeFileSync(folder.journal, readFileSync(folder.journal, 'utf8').replace('"name":"a"', '"name":"b"'))
    writeFileSync(join(folder.path, 'b.png'), PNG)
    const again = await openJournal(folder, 'key')
    assert.equal(await again.statusOf(plan('b', 'q')), 'unverified')
    again.close()
  })
})
