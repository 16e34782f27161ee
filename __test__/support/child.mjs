import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PACKAGE = createRequire(import.meta.url).resolve('wxacode')

/** What every child and worker begins with. `given` is what the test handed over. */
const CHILD = `
import { WxaCode } from 'wxacode'
const given = JSON.parse(process.env.TEST_GIVEN)
`
const WORKER = `
'use strict'
const { parentPort, workerData: given } = require('node:worker_threads')
const { WxaCode } = require(${JSON.stringify(PACKAGE)})
`

/**
 * Starts Node with a script, an ES module that finds `WxaCode` and `given`. `done` resolves with exit code, signal,
 * stdout and stderr; `output` is what it has printed so far; `printed(text)` waits for that. `under` is a command that runs
 * the command behind it, like `['nice']`.
 */
export function start(script, { given = {}, env = {}, flags = [], preamble = CHILD, under = [] } = {}) {
  // The environment of the tests themselves, without what would make a child a test runner, a tracer, or a proxy's guest.
  const { NODE_TEST_CONTEXT, NODE_OPTIONS, NODE_V8_COVERAGE, HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy, ...own } =
    process.env
  const [command, ...args] = [...under, process.execPath, ...flags, '--input-type=module', '-e', preamble + script]
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...own, TEST_GIVEN: JSON.stringify(given), ...env },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  const done = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }))
  const printed = async (text) => {
    while (!output.stdout.includes(text)) {
      const ended = await Promise.race([once(child.stdout, 'data').then(() => false), done.then(() => true)])
      if (ended && !output.stdout.includes(text)) throw new Error(`it ended without ${text}: ${output.stderr}`)
    }
  }
  return { child, done, output, printed }
}

const WARNING = /^\(node:\d+\) \[WXA_REDIS\] WxaCodeWarning: .*\n/gm
const TRACE = /^\(Use `node --trace-warnings .*\n/gm

/** What a process has printed on stderr besides that its Redis is down, and how often it said that. */
export function withoutWarnings(stderr) {
  const warned = stderr.match(WARNING)?.length ?? 0
  return { warned, rest: warned > 0 ? stderr.replace(WARNING, '').replace(TRACE, '') : stderr }
}

/** Runs a script to its end. */
export const run = (script, options) => start(script, options).done

/** The source of a worker whose script finds `WxaCode`, `parentPort` and `given`. */
export const workerSource = (script) => `${WORKER}\n;(async () => {\n${script}\n})()`

/** Starts a worker with such a script. */
export const startWorker = (script, given = {}) => new Worker(workerSource(script), { eval: true, workerData: given })

/** The next message of a worker, or its error. */
export async function message(worker) {
  const [text] = await once(worker, 'message')
  return text
}
