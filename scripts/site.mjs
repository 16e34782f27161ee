// The site of docs/: the API reference from the types, the pages of both languages, and a search. `--serve` shows it as it is
// built, `--dev` while the pages are written.

import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))
const require = createRequire(join(DOCS, 'package.json'))
const command = { '--serve': 'preview', '--dev': 'dev' }[process.argv[2]]

if (command !== 'preview') {
  run('typedoc', 'bin/typedoc', [])
  // The types speak English. They are in the Chinese part too, so that its search finds them.
  rmSync(join(DOCS, 'zh/api'), { recursive: true, force: true })
  cpSync(join(DOCS, 'en/api'), join(DOCS, 'zh/api'), { recursive: true })
}
run('vitepress', 'bin/vitepress.js', [command ?? 'build', '.'])

/**
 * @param {string} name
 * @param {string} bin
 * @param {string[]} args
 */
function run(name, bin, args) {
  const file = join(folderOf(name), bin)
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: DOCS, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** @param {string} name of a package that docs/ has */
function folderOf(name) {
  const folders = (require.resolve.paths(name) ?? []).map((folder) => join(folder, name))
  const found = folders.find((folder) => {
    try {
      return require(join(folder, 'package.json')).name === name
    } catch {
      return false
    }
  })
  if (!found) throw new Error(`${name} is not installed: npm ci`)
  return dirname(join(found, 'package.json'))
}
