// Every runtime that wxacode is tested on, as the npm registry has them. They lie under target/, outside the packages.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../target/runtimes/', import.meta.url))

export const NODES = ['node@20', 'node@22', 'node@24', 'node@26']
export const OTHERS = ['bun@1', 'deno@2']

/**
 * The program of a runtime, which is fetched the first time.
 *
 * @param {string} runtime its package and version, as in `node@22`
 */
export function runtime(runtime) {
  const name = runtime.split('@')[0]
  const folder = join(FOLDER, runtime)
  const program = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)
  if (!existsSync(program)) install(runtime, folder)
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  return { name, version, program }
}

/**
 * An environment in which `node` is the program.
 *
 * @param {string} program
 */
export const environmentOf = (program) => ({
  ...process.env,
  PATH: dirname(program) + delimiter + process.env.PATH,
})

/**
 * @param {string} runtime
 * @param {string} folder
 */
function install(runtime, folder) {
  mkdirSync(folder, { recursive: true })
  // Without a prefix npm looks for one in the folders above, and finds wxacode's.
  const where = ['--prefix', folder, '--no-save', '--no-package-lock']
  const args = ['install', ...where, '--no-audit', '--no-fund', '--loglevel=error', runtime]
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`)
}
