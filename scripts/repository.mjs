// Whether every manifest names the repository that releases it: node scripts/repository.mjs https://github.com/<owner>/<name>
// npm publishes a package with provenance only if its `repository` is the one that the workflow runs in.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const PACKAGES = ['', 'fake/', 'scene/', 'otel/', 'nest/', 'image/', 'cli/']

/** @param {string} file */
const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

/**
 * One line for each address in a manifest that is not of this repository.
 *
 * @param {string} repository `https://github.com/<owner>/<name>`
 */
export function mismatches(repository) {
  const found = PACKAGES.flatMap((folder) => {
    const file = `${folder}package.json`
    const manifest = JSON.parse(read(file))
    return [
      [file, 'repository.url', manifest.repository?.url, `git+${repository}.git`],
      [file, 'homepage', manifest.homepage, `${repository}${folder && `/tree/main/${folder.slice(0, -1)}`}#readme`],
      [file, 'bugs', manifest.bugs, `${repository}/issues`],
    ]
  })
  for (const key of ['repository', 'homepage']) {
    found.push(['Cargo.toml', key, new RegExp(`^${key} = "(.*)"`, 'm').exec(read('Cargo.toml'))?.[1], repository])
  }
  const links = '.github/ISSUE_TEMPLATE/config.yml'
  for (const [, url] of read(links).matchAll(/url: (.+)/g)) {
    found.push([links, 'url', url, url.startsWith(`${repository}/`) ? url : `one under ${repository}/`])
  }
  return found
    .filter(([, , is, wanted]) => is !== wanted)
    .map(([file, key, is, wanted]) => `${file}: ${key} is ${is}, not ${wanted}`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [repository] = process.argv.slice(2)
  if (!repository) throw new Error('usage: node scripts/repository.mjs https://github.com/<owner>/<name>')
  const found = mismatches(repository)
  for (const line of found) console.error(line)
  if (found.length > 0) process.exitCode = 1
}
