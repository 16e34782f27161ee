import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { version } = createRequire(import.meta.url)('wxacode/package.json')

/** The folder of the tarballs. The script that runs these tests has packed them. */
export const TARBALLS = process.env.WXACODE_TARBALLS
if (!TARBALLS) throw new Error('WXACODE_TARBALLS is not set: npm run test:install packs first')

export const tarballOf = (name) => join(TARBALLS, `${name}-${version}.tgz`)

/** The files of a tarball, without the folder that all are in. */
export const filesOf = (tarball) =>
  execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => path.replace('package/', ''))

export function manifestOf(tarball) {
  return JSON.parse(execFileSync('tar', ['xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }))
}

/** @returns the folder of the package */
export function unpack(tarball, into) {
  mkdirSync(into, { recursive: true })
  execFileSync('tar', ['xzf', tarball, '-C', into])
  return join(into, 'package')
}
