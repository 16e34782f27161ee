import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseTriple } from '@napi-rs/cli'
import { parse } from 'yaml'
import { mistakes, mistakesIn } from '../scripts/lint-workflows.mjs'

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const json = (file) => JSON.parse(read(file))
const exists = (file) => existsSync(new URL(`../${file}`, import.meta.url))

const { version, napi } = json('package.json')
const release = parse(read('.github/workflows/release.yml'))
const matrixOf = (job) => release.jobs[job].strategy.matrix.include

// Not by support/suite.mjs, which loads the addon: a release asks this before there is one.
describe('a release', () => {
  test('workflows are without mistakes', async () => {
    assert.deepEqual(await mistakes(), [])
  })

  test('a mistake in a workflow is found, with its place', async () => {
    const [context, job] = await mistakesIn(
      read('.github/workflows/release.yml')
        .replace('needs: test', 'needs: tests')
        .replace('matrix.glibc', 'matrix.libc'),
      'release.yml',
    )
    assert.match(job, /^release\.yml:\d+:\d+: .*"tests" which does not exist/)
    assert.match(context, /^release\.yml:\d+:\d+: property "libc" is not defined/)
  })

  for (const job of ['build', 'test']) {
    test(`the ${job} has every target once`, () => {
      assert.deepEqual(
        matrixOf(job)
          .map(({ target }) => target)
          .sort(),
        [...napi.targets].sort(),
      )
    })
  }

  test('each addon is tested by the name under which it is packed', () => {
    for (const { target, addon } of matrixOf('test')) assert.equal(addon, parseTriple(target).platformArchABI)
  })

  test('addons are linked as in the test of a real install', () => {
    const install = read('scripts/test-install.mjs')
    const glibc = /GLIBC = '(.+)'/.exec(install)[1]
    for (const { target, glibc: floor } of matrixOf('build')) {
      assert.equal(floor, target.endsWith('-linux-gnu') ? `.${glibc}` : undefined, target)
    }
    for (const tool of ['cargo-zigbuild', 'ziglang']) {
      const [pinned] = new RegExp(`${tool}==[\\d.]+`).exec(install)
      assert.ok(JSON.stringify(release.jobs.build).includes(pinned), pinned)
    }
    assert.ok(JSON.stringify(release.jobs.test).includes(`GLIBC_${glibc} `), glibc)
  })

  test('nothing but the last job may speak for the repository', () => {
    assert.deepEqual(release.permissions, { contents: 'read' })
    for (const [name, { permissions }] of Object.entries(release.jobs)) {
      assert.deepEqual(permissions, name === 'publish' ? { contents: 'read', 'id-token': 'write' } : undefined, name)
    }
    assert.deepEqual(parse(read('.github/workflows/ci.yml')).permissions, { contents: 'read' })
  })

  test('all packages have the same version, and need each other in it', () => {
    assert.equal(/^version = "(.+)"/m.exec(read('Cargo.toml'))[1], version)
    for (const workspace of ['fake', 'scene', 'cli']) {
      const { version: its, dependencies = {} } = json(`${workspace}/package.json`)
      assert.equal(its, version, workspace)
      for (const [name, range] of Object.entries(dependencies)) {
        if (name.startsWith('wxacode')) assert.equal(range, `^${version}`, `${workspace} needs ${name}`)
      }
    }
  })

  test('the changelog has a heading for the version, and when it is tagged a date', () => {
    const headings = [...read('CHANGELOG.md').matchAll(/^## \[(.+?)\] – (\d{4}-\d\d-\d\d|Unreleased)$/gm)]
    const [, , when] = headings.find(([, heading]) => heading === version) ?? []
    assert.ok(when, version)
    if (process.env.GITHUB_REF_TYPE === 'tag') assert.notEqual(when, 'Unreleased')
  })

  for (const document of ['CONTRIBUTING.md', 'SECURITY.md']) {
    test(`what ${document} names is there`, () => {
      const text = read(document)
      const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)]
      const paths = [...text.matchAll(/`([\w.-]+\/[\w./-]*|[\w.-]+\.(?:js|mjs|ts|rs|json|md|toml))`/g)]
      const named = [...links, ...paths].map(([, path]) => path).filter((path) => !path.startsWith('docs/api'))
      assert.ok(named.length > 5)
      assert.deepEqual(
        named.filter((path) => !exists(path)),
        [],
      )
    })
  }

  test('the tests for every platform are there', () => {
    const files = read('.github/tests-anywhere').trim().split('\n')
    assert.deepEqual(
      files.filter((file) => !exists(file)),
      [],
    )
  })

  test('commands that documents and workflows name are there', () => {
    const { scripts } = json('package.json')
    for (const file of ['CONTRIBUTING.md', '.github/workflows/ci.yml', '.github/workflows/release.yml']) {
      for (const [, name] of read(file).matchAll(/npm run ([a-z:]+)/g)) assert.ok(scripts[name], `${file}: ${name}`)
    }
  })
})
