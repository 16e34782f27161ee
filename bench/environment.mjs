// Where and with what a run was measured.

import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** More than this makes figures that no one should publish: who has more threads gets more of a busy machine. */
const MOST_OTHERS = 0.1

/** @param {{ rounds: number, time: number, warmup: number }} options */
export async function environment({ rounds, time, warmup }) {
  const [{ model }] = cpus()
  const others = await othersShare()
  if (others > MOST_OTHERS) {
    console.error(`other processes use ${Math.round(others * 100)} % of this machine: do not publish these figures`)
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    rounds,
    time,
    warmup,
    others,
  }
}

/** What part of the CPU other processes use, from 0 to 1, before anything is measured. */
async function othersShare() {
  const count = () => {
    const times = cpus().map((core) => core.times)
    const all = times.flatMap((core) => Object.values(core)).reduce((sum, ms) => sum + ms, 0)
    return { all, idle: times.reduce((sum, { idle }) => sum + idle, 0) }
  }
  const before = count()
  await sleep(1000)
  const after = count()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
}

/** Of the sources, with `-dirty` if something is not committed. Undefined outside a clone. */
function commit() {
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined
  }
}
