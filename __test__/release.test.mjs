import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'
import { parse } from 'yaml'
import { mistakes, mistakesIn } from '../scripts/lint-workflows.mjs'
import { mismatches } from '../scripts/repository.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const json = (file) => JSON.parse(read(file))
const exists = (file) => existsSync(new URL(`../${file}`, import.meta.url))

/** The fields of an issue form that are filled in. */
function fieldsOf(form) {
  const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${form}`))
  assert.ok(name && description)
  const ids = body.filter(({ type }) => type !== 'markdown').map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  return ids
}

const { version, napi } = json('package.json')
const release = parse(read('.github/workflows/release.yml'))
const matrixOf = (job) => release.jobs[job].strategy.matrix.include

// Not by support/suite.mjs, which loads the addon: a release asks this before there is one.
describe('a release', () => {
  test('the workflows have no mistakes', async () => {
    assert.deepEqual(await mistakes(), [])
  })

  test('a mistake in a workflow is found, with its line', async () => {
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

  test('the loader names the package of every target, under its platform', () => {
    const cases = [...read('lib/addons.js').matchAll(/case '([^']*)':\s+return require\.resolve\('wxacode-([^']*)'\)/g)]
    for (const [, platform, name] of cases) assert.equal(name, platform)
    assert.deepEqual(
      cases.map(([, platform]) => platform).sort(),
      napi.targets.map((target) => parseTriple(target).platformArchABI).sort(),
    )
  })

  test('each addon is tested by the name under which it is packed', () => {
    for (const { target, addon } of matrixOf('test')) assert.equal(addon, parseTriple(target).platformArchABI)
  })

  test('addons are linked as in the test of a real install', () => {
    const install = read('scripts/cross.mjs')
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

  test('only the last job has a token for publishing', () => {
    assert.deepEqual(release.permissions, { contents: 'read' })
    for (const [name, { permissions }] of Object.entries(release.jobs)) {
      assert.deepEqual(permissions, name === 'publish' ? { contents: 'read', 'id-token': 'write' } : undefined, name)
    }
    assert.deepEqual(parse(read('.github/workflows/ci.yml')).permissions, { contents: 'read' })
  })

  test('all packages have the same version and depend on each other in it', () => {
    assert.equal(/^version = "(.+)"/m.exec(read('Cargo.toml'))[1], version)
    for (const workspace of ['fake', 'scene', 'otel', 'nest', 'image', 'cli']) {
      const { version: its, dependencies, peerDependencies } = json(`${workspace}/package.json`)
      assert.equal(its, version, workspace)
      for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
        if (name.startsWith('wxacode')) assert.equal(range, `^${version}`, `${workspace} needs ${name}`)
      }
    }
  })

  test('all packages name one repository, and the release job refuses any other', () => {
    const { repository } = json('package.json')
    const [, address] = /^git\+(.+)\.git$/.exec(repository.url)
    assert.deepEqual(mismatches(address), [])
    assert.equal(mismatches(`${address}-fork`).length, 3 * 7 + 2 + 2)
    const [step] = release.jobs.versions.steps.filter(({ run }) => run?.includes('scripts/repository.mjs'))
    assert.match(step.run, /"\$GITHUB_SERVER_URL\/\$GITHUB_REPOSITORY"/)
  })

  test('the changelog has a heading for the version, and when it is tagged a date', () => {
    const headings = [...read('CHANGELOG.md').matchAll(/^## \[(.+?)\] – (\d{4}-\d\d-\d\d|Unreleased)$/gm)]
    const [, , when] = headings.find(([, heading]) => heading === version) ?? []
    assert.ok(when, version)
    if (process.env.GITHUB_REF_TYPE === 'tag') assert.notEqual(when, 'Unreleased')
  })

  test('a bug report asks for the versions, the platform and what the error says', () => {
    const ids = fieldsOf('bug.yml')
    for (const id of ['what', 'code', 'error', 'error-code', 'errcode', 'rid', 'version', 'node', 'platform']) {
      assert.ok(ids.includes(id), id)
    }
  })

  test('a report on the real WeChat asks for what the doctor printed', () => {
    assert.ok(fieldsOf('real-wechat.yml').includes('doctor'))
    assert.match(read('.github/ISSUE_TEMPLATE/real-wechat.yml'), /npx wxacode-cli doctor/)
  })

  test('scripts and sources are checked out with LF, and the bytes of the fuzzer as they are', () => {
    const eolOf = (pattern) => {
      const files = execFileSync('git', ['ls-files', pattern], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
      const args = ['check-attr', '-z', 'text', 'eol', '--', ...files]
      const said = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0')
      return new Set(said.flatMap((part, index) => (index % 3 === 2 ? `${said[index - 1]} ${part}` : [])))
    }
    for (const pattern of ['*.lua', '*.rs', '*.js', '*.mjs', '*.json', '*.md', '.ci/run']) {
      assert.deepEqual([...eolOf(pattern)], ['text auto', 'eol lf'], pattern)
    }
    assert.ok(eolOf('tests/fuzz/corpus/replies').has('text unset'))
  })

  for (const [document, least] of [
    ['CODE_OF_CONDUCT.md', 2],
    ['CONTRIBUTING.md', 6],
    ['SECURITY.md', 2],
  ]) {
    test(`files that ${document} names exist`, () => {
      const text = read(document)
      const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)]
      const paths = [...text.matchAll(/`([\w.-]+\/[\w./-]*|[\w.-]+\.(?:js|mjs|ts|rs|json|md|toml))`/g)]
      const named = [...links, ...paths]
        .map(([, path]) => path)
        .filter((path) => !path.startsWith('docs/.vitepress/dist'))
      assert.ok(named.length >= least)
      assert.deepEqual(
        named.filter((path) => !exists(path)),
        [],
      )
    })
  }

  test('the tests for every platform exist', () => {
    const files = read('.github/tests-anywhere').trim().split('\n')
    assert.deepEqual(
      files.filter((file) => !exists(file)),
      [],
    )
  })

  test('commands that documents and workflows name exist', () => {
    const { scripts } = json('package.json')
    for (const file of ['CONTRIBUTING.md', '.github/workflows/ci.yml', '.github/workflows/release.yml']) {
      for (const [, name] of read(file).matchAll(/npm run ([a-z:]+)/g)) assert.ok(scripts[name], `${file}: ${name}`)
    }
  })
})
