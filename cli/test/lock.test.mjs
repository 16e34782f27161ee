import assert from 'node:assert/strict'
import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { times } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'
import { acquireLock } from '../src/batch/lock.js'
import { isRunning, thisProcess } from '../src/batch/machine.js'
import { BIN, setupCli, suite, watch } from './helpers.mjs'

const WORKER = fileURLToPath(new URL('lock-worker.mjs', import.meta.url))
const MINUTES = 60_000

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'wxacode-lock-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A process that waits for orders. */
async function worker(t) {
  const child = fork(WORKER, { env: { ...process.env, NODE_TEST_CONTEXT: undefined } })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  let next = 0
  return {
    child,
    order: (what, args) =>
      new Promise((resolve, reject) => {
        const id = ++next
        const hear = (message) => {
          if (message.id !== id) return
          child.off('message', hear)
          child.off('exit', fail)
          resolve(message)
        }
        const fail = () => reject(new Error(`it died during ${what}`))
        child.on('message', hear).once('exit', fail)
        child.send({ id, what, args })
      }),
  }
}

/** The PID of a process that is gone. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid

/** A lock as another process would have left it. */
function plant(path, holder, { silentFor = 0 } = {}) {
  const lock = join(path, 'lock')
  mkdirSync(lock)
  const file = join(lock, `${Math.random()}`)
  writeFileSync(file, typeof holder === 'string' ? holder : JSON.stringify({ ...thisProcess(), ...holder }))
  const then = new Date(Date.now() - silentFor)
  utimesSync(file, then, then)
  return file
}

/** Whether a lock can be had, and what is said if not. */
function attempt(path) {
  try {
    acquireLock(path, path).release()
    return { won: true }
  } catch (error) {
    return { won: false, error, text: JSON.stringify(error.explanation) }
  }
}

const GONE = {
  'a process that is gone': () => ({ pid: deadPid() }),
  'a process whose PID another one has now': () => ({ started: '1' }),
  'a process of a boot that is over': () => ({ machine: 'another boot', silentFor: 2 * MINUTES }),
  'another machine, silent for minutes': () => ({ host: 'web-1', machine: 'other', silentFor: 2 * MINUTES }),
  'another container, silent for minutes': () => ({ namespace: 'pid:[1]', pid: 1, silentFor: 2 * MINUTES }),
  'the future': () => ({ machine: 'other', silentFor: -60 * MINUTES }),
}

const THERE = {
  'another machine': () => ({ host: 'web-1', machine: 'other', pid: 1 }),
  'another container with the same PID': () => ({ namespace: 'pid:[1]' }),
  'another container, half a minute ago': () => ({ namespace: 'pid:[1]', pid: 1, silentFor: MINUTES / 2 }),
  'a process that is alive and has been stopped for an hour': () => ({ silentFor: 60 * MINUTES }),
}

suite('the lock of a folder', (test) => {
  test('is held by one process at a time, released without a trace, and names its holder', (t) => {
    const path = folder(t)
    const lock = acquireLock(path, 'codes')
    const { won, error } = attempt(path)
    assert.equal(won, false)
    assert.match(error.message, new RegExp(`process ${process.pid} on \\S+ is writing to`))
    lock.refuseLost()
    lock.release()
    assert.deepEqual(readdirSync(path), [])
    assert.ok(attempt(path).won)
  })

  for (const [who, holder] of Object.entries(GONE)) {
    test(`of ${who} can be taken`, (t) => {
      const path = folder(t)
      const { silentFor, ...rest } = holder()
      plant(path, rest, { silentFor })
      assert.equal(attempt(path).text, undefined)
      assert.deepEqual(readdirSync(path), [])
    })
  }

  for (const [who, holder] of Object.entries(THERE)) {
    test(`of ${who} cannot be taken`, (t) => {
      const path = folder(t)
      const { silentFor, ...rest } = holder()
      const file = plant(path, rest, { silentFor })
      const { won, text } = attempt(path)
      assert.equal(won, false)
      assert.match(text, rest.pid || rest.namespace ? /another machine or in another container/ : /Wait for it/)
      assert.ok(existsSync(file))
      assert.deepEqual(readdirSync(path), ['lock'], 'no try is left behind')
    })
  }

  test('is free when its content is unreadable, after a delay', (t) => {
    const path = folder(t)
    for (const content of ['', '{', 'null', '[]', '{"pid":-1}', '{"host":"\\u001b[2J","pid":1}', 'x'.repeat(10_000)]) {
      plant(path, content)
      const { won, text } = attempt(path)
      assert.equal(won, false)
      assert.ok(!text.includes('[2J'))
      rmSync(join(path, 'lock'), { recursive: true })
      plant(path, content, { silentFor: 2 * MINUTES })
      assert.ok(attempt(path).won)
    }
  })

  test('is refused when a file or a link is in its place, which is neither followed nor deleted', (t) => {
    const path = folder(t)
    const victim = folder(t)
    writeFileSync(join(victim, 'precious'), 'x')
    symlinkSync(victim, join(path, 'lock'))
    assert.match(attempt(path).text, /is not a lock of wxacode/)
    rmSync(join(path, 'lock'))
    writeFileSync(join(path, 'lock'), '1')
    assert.match(attempt(path).text, /is not a lock of wxacode/)
    assert.deepEqual([readdirSync(victim), readFileSync(join(path, 'lock'), 'utf8')], [['precious'], '1'])
  })

  test('is free when it is empty, as after a crash during its release', (t) => {
    const path = folder(t)
    mkdirSync(join(path, 'lock'))
    assert.ok(attempt(path).won)
  })

  test('is lost when another process takes it: the former holder learns of it and does not release it', (t) => {
    const path = folder(t)
    const first = acquireLock(path, 'codes')
    rmSync(join(path, 'lock'), { recursive: true })
    const second = acquireLock(path, 'codes')
    assert.throws(first.refuseLost, { code: 'ERR_CLI_LOCK' })
    first.release()
    second.refuseLost()
    assert.equal(attempt(path).won, false)
    second.release()
  })

  test('is renewed every few seconds', async (t) => {
    const path = folder(t)
    const lock = acquireLock(path, 'codes')
    t.after(lock.release)
    const [name] = readdirSync(join(path, 'lock'))
    const file = join(path, 'lock', name)
    const long = new Date(Date.now() - 30_000)
    utimesSync(file, long, long)
    assert.ok(await until(() => Date.now() - statSync(file).mtimeMs < 20_000, 60_000))
    assert.ok(JSON.parse(readFileSync(file, 'utf8')).pid === process.pid)
  })

  test('of a killed process is free at once, and exactly one of many waiting processes gets it', async (t) => {
    const path = folder(t)
    const holder = await worker(t)
    assert.ok((await holder.order('acquire', path)).won)
    holder.child.kill('SIGKILL')
    await once(holder.child, 'exit')
    assert.ok(attempt(path).won)
  })

  test('has one winner in each of many races for a stale one', async (t) => {
    const path = folder(t)
    const racers = await Promise.all(times(6, () => worker(t)))
    const pid = deadPid()
    for (let round = 0; round < 60; round++) {
      plant(path, { pid })
      const results = await Promise.all(racers.map(({ order }) => order('acquire', path)))
      assert.equal(results.filter(({ won }) => won).length, 1, JSON.stringify(results))
      assert.ok(results.every(({ won, code }) => won || code === 'ERR_CLI_USAGE'))
      await Promise.all(racers.map(({ order }) => order('release')))
      assert.deepEqual(readdirSync(path), [])
    }
  })

  test('is never held twice, however often it is taken and released', async (t) => {
    const path = folder(t)
    const inside = join(folder(t), 'inside')
    const racers = await Promise.all(times(4, () => worker(t)))
    const results = await Promise.all(racers.map(({ order }) => order('contend', { folder: path, inside, times: 50 })))
    assert.deepEqual(
      results.map(({ met }) => met),
      [0, 0, 0, 0],
    )
  })
})

/** What gives a process PIDs of its own, as a container does, where that is allowed. */
const UNSHARE = ['unshare', '--pid', '--fork', '--kill-child']
const isAllowed = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), '--mount-proc', 'true']).status === 0
const needsContainers = isAllowed ? {} : { skip: 'no new PID namespace is to be had here' }

suite('two containers on one volume', (test) => {
  /** A batch with PID 1; with its own /proc, or with that of the machine as some sandboxes have it. */
  function contained({ env, folder: cwd, secrets }, list, more = []) {
    const [command, ...args] = [...UNSHARE, ...more, process.execPath, BIN, 'batch', list, '--out', 'codes', '--json']
    return watch(spawn(command, [...args, '--timeout', '100', '--retries', '5'], { cwd, env }), secrets)
  }

  for (const [what, more] of Object.entries({ 'its own': ['--mount-proc'], 'the machine’s': [] })) {
    test(`never work in one folder together, with ${what} /proc`, needsContainers, async (t) => {
      const here = await setupCli(t)
      writeFileSync(here.file('list.csv'), 'scene\na\nb\n')
      writeFileSync(here.file('other.csv'), 'scene,name\nc,a\nd,b\n')
      const hold = here.fake.hold('codes')
      const first = contained(here, 'list.csv', more)
      t.after(() => first.child.kill('SIGKILL'))
      await here.fake.arrived(1, 'codes')
      const second = await contained(here, 'other.csv', more).done
      assert.equal(second.code, 2)
      const { cause, fix } = second.json().error
      assert.match(cause, /process 1 on \S+ is writing to/)
      assert.match(fix, /another machine or in another container.* lock expires 60 s after its last update/)
      hold.release()
      const { code, json } = await first.done
      assert.deepEqual([code, json().written], [0, 2])
      assert.equal((await contained(here, 'other.csv', more).done).json().written, 2)
    })
  }

  test(
    'leave a lock after a kill, which the next one gets after a minute without renewal',
    needsContainers,
    async (t) => {
      const here = await setupCli(t)
      writeFileSync(here.file('list.csv'), 'scene\na\n')
      const hold = here.fake.hold('codes')
      const first = contained(here, 'list.csv', ['--mount-proc'])
      await here.fake.arrived(1, 'codes')
      first.child.kill('SIGKILL')
      await first.done
      hold.release()
      const [name] = readdirSync(here.file('codes/.wxacode/lock'))
      const lock = here.file(`codes/.wxacode/lock/${name}`)
      assert.equal((await here.wxacode(['batch', 'list.csv', '--out', 'codes', '--json'])).code, 2)
      const long = new Date(Date.now() - 2 * MINUTES)
      utimesSync(lock, long, long)
      const next = await contained(here, 'list.csv', ['--mount-proc']).done
      assert.deepEqual([next.code, next.json().written], [0, 1])
    },
  )
})

suite('whether a process runs', (test) => {
  const self = thisProcess()

  test('is known for the present process', () => {
    assert.equal(isRunning(self), process.platform === 'linux' ? true : undefined)
  })

  test('is unknown for a process of another machine, boot or container', () => {
    for (const other of [{ machine: 'x' }, { machine: undefined }, { namespace: 'pid:[1]' }]) {
      assert.equal(isRunning({ ...self, ...other }), undefined)
    }
    assert.equal(isRunning(self, { ...self, machine: undefined }), undefined)
  })

  test('is denied for a PID that does not exist', () => {
    assert.equal(isRunning({ ...self, pid: 2 ** 30 }), false)
  })
})
