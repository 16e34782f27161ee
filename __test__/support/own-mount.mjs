import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A command that runs the command behind it with a file system of its own at `directory`, which no other process sees: of `size`,
 * or read-only.
 */
export const withOwnMount = (directory, options) => [
  'unshare',
  '-rm',
  'sh',
  '-c',
  `mount -t tmpfs -o ${options} tmpfs '${directory}' && exec "$@"`,
  'sh',
]

function isPossible() {
  if (process.platform !== 'linux') return false
  const directory = mkdtempSync(join(tmpdir(), 'wxacode-mount-'))
  try {
    const [command, ...args] = [...withOwnMount(directory, 'size=64k'), 'true']
    return spawnSync(command, args).status === 0
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Options of a test that needs such a file system. */
export const needsOwnMount = { skip: !isPossible() && 'this user may not mount a file system of its own' }
