import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, test } from 'node:test'

const url = (path) => new URL(`../${path}`, import.meta.url)
const read = (path) => readFileSync(url(path), 'utf8')
const page = read('docs/en/architecture.md')

const filesIn = (folder, end) =>
  readdirSync(url(folder), { recursive: true })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith(end) && !name.includes('/node_modules/'))

/** What stands below a heading, up to the next one. */
function section(text, heading) {
  const found = text.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`))
  assert.ok(found, `no section ${heading}`)
  return found
}

/** The first table of a section: its rows as cells, without the head. */
function rows(text, heading) {
  const lines = section(text, heading).split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const table = lines.slice(start, start + [...lines.slice(start), ''].findIndex((line) => !line.startsWith('|')))
  return table.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

const quoted = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)

/** By module, in the order of the page, what it imports. */
const importTable = (text) =>
  new Map(rows(text, 'Modules of `src/`').map(([module, , imports]) => [quoted(module)[0], quoted(imports)]))

/** The sources without tests and comments, each with its module. */
const rust = filesIn('src', '.rs').map((path) => ({ path, text: read(path) }))
/** Modules that only tests have, as paths without an ending. */
const ofTests = rust.flatMap(({ path, text }) =>
  [...text.matchAll(/#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod (\w+);/g)].map(([, name]) =>
    path.endsWith('/mod.rs') ? posix.join(posix.dirname(path), name) : `${path.slice(0, -'.rs'.length)}/${name}`,
  ),
)
const sources = rust
  .filter(({ path }) => !ofTests.some((test) => path === `${test}.rs` || path.startsWith(`${test}/`)))
  .filter(({ path }) => path !== 'src/lib.rs')
  .map(({ path, text }) => ({
    path,
    module: path.split('/')[1].replace(/\.rs$/, ''),
    text: text
      .replaceAll(/#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{[\s\S]*?^\}/gm, '')
      .replaceAll(/^\s*\/\/.*$/gm, ''),
  }))

/** Every `crate::` of other modules: in `use` lines and in place, with braces too. */
function cratePathsIn(text) {
  const braced = [...text.matchAll(/\bcrate::\{([^;]*)\}/g)].flatMap(([, list]) =>
    // What stands in inner braces belongs to its module.
    list
      .replaceAll(/\{[^{}]*\}/g, '')
      .split(',')
      .map((path) => path.trim().match(/^\w*/)[0]),
  )
  return [...[...text.matchAll(/\bcrate::(\w+)/g)].map(([, module]) => module), ...braced].filter(Boolean)
}

/** What a table forbids and the sources do, and what it allows in vain. */
function violations(table, files) {
  const used = new Map()
  const wrong = []
  for (const { path, module, text } of files) {
    const imports = used.get(module) ?? used.set(module, new Set()).get(module)
    for (const other of cratePathsIn(text)) {
      if (other === module) continue
      imports.add(other)
      if (!table.get(module)?.includes(other)) wrong.push(`${path} imports ${other}`)
    }
  }
  for (const [module, allowed] of table) {
    for (const other of allowed) if (!used.get(module)?.has(other)) wrong.push(`${module} does not import ${other}`)
  }
  return [...new Set(wrong)]
}

/** Pairs that the page names: all other imports lead to rows above. */
const PAIRS = ['error wechat']

const JS_ROWS = new Map(
  rows(page, 'JavaScript').map(([where, , imports]) => [
    quoted(where)[0],
    quoted(imports).filter((name) => /[./]/.test(name)),
  ]),
)
/** The most specific row that a file belongs to. */
const rowOf = (path) =>
  [...JS_ROWS.keys()].filter((where) => within(path, where)).sort((one, other) => other.length - one.length)[0]
const within = (path, where) => (where.endsWith('/') ? path.startsWith(where) : path === where)

const scripts = ['lib', 'fake', 'scene', 'otel', 'nest', 'image', 'cli']
  .flatMap((folder) => filesIn(folder, '.js'))
  .concat('index.js')
  .map((path) => ({ path, text: read(path).replaceAll(/\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '') }))

/** Where the relative imports of a file lead. */
const relativeImports = ({ path, text }) =>
  [...text.matchAll(/(?:require\(|from |import |import\()\s*['"](\.[^'"]*)['"]/g)].map(([, to]) => {
    const target = posix.join(posix.dirname(path), to)
    return [target, `${target}.js`, `${target}/index.js`].find((name) => posix.extname(name) && existsSync(url(name)))
  })

/** Imports of a file that leave its row and that the row does not list: as another row, or as a file. */
function strangeImports(script) {
  const row = rowOf(script.path)
  const allowed = JS_ROWS.get(row)
  return relativeImports(script)
    .filter((to) => !to || (rowOf(to) !== row && !allowed.includes(rowOf(to)) && !allowed.includes(to)))
    .map((to) => `${script.path} imports ${to}`)
}

// Not by support/suite.mjs, which loads the addon: this needs none.
describe('the architecture', () => {
  test('every module imports what docs/en/architecture.md allows, and nothing else', () => {
    assert.ok(sources.length > 60)
    assert.deepEqual(violations(importTable(page), sources), [])
  })

  test('every module has a row', () => {
    const modules = [...read('src/lib.rs').matchAll(/^(?:pub )?mod (\w+);/gm)].map(([, name]) => name)
    assert.deepEqual([...importTable(page).keys()].sort(), modules.sort())
  })

  test('an import leads to a row above, but for the pairs that are named', () => {
    const table = importTable(page)
    const order = [...table.keys()]
    const upwards = [...table].flatMap(([module, imports]) =>
      imports.filter((other) => order.indexOf(other) > order.indexOf(module)).map((other) => `${module} ${other}`),
    )
    assert.deepEqual(upwards, PAIRS)
  })

  test('an import that the table does not allow is found, wherever it stands', () => {
    const table = new Map([
      ['error', ['redact']],
      ['redact', []],
    ])
    const file = (text) => [{ path: 'src/redact/mod.rs', module: 'redact', text }]
    const ok = [{ path: 'src/error/mod.rs', module: 'error', text: 'use crate::redact::Secrets;' }]
    for (const text of [
      'use crate::error::Error;',
      'pub use crate::error;',
      'fn f() -> crate::error::Error {}',
      'use crate::{error::{Error, Result}, redact};',
    ]) {
      assert.deepEqual(violations(table, [...ok, ...file(text)]), ['src/redact/mod.rs imports error'], text)
    }
    assert.deepEqual(violations(table, file('')), ['error does not import redact'])
    assert.deepEqual(violations(table, ok), [])
  })

  for (const [what, pattern, module] of [
    ['HTTP', /\b(reqwest|hyper_util|hyper)::/, 'transport'],
    ['a socket', /\b(tokio|std)::net::\{?[^;]*(Tcp|Udp|Unix|ToSocketAddrs)/, 'transport'],
    ['a connection to Redis', /\bredis::(aio|cmd|Client|IntoConnectionInfo|sentinel)\b/, 'redis'],
    ['Node', /\bnapi(_derive)?::/, 'node'],
  ]) {
    test(`only src/${module} names ${what}`, () => {
      const named = sources.filter(({ text }) => pattern.test(text)).map((source) => source.module)
      assert.deepEqual(
        named.filter((other) => other !== module),
        [],
      )
      if (what !== 'a socket') assert.ok(named.length > 0)
    })
  }

  test('every JavaScript file imports what docs/en/architecture.md allows', () => {
    assert.deepEqual(scripts.flatMap(strangeImports), [])
  })

  test('a JavaScript import that the table does not allow is found', () => {
    for (const [path, to] of [
      ['lib/batch.js', 'lib/web/express.js'],
      ['lib/batch.js', 'index.js'],
      ['lib/web/koa.js', 'lib/errors.js'],
      ['lib/web/answer/log.js', 'lib/native.js'],
      ['lib/validate.js', 'lib/addons.js'],
      ['fake/src/lru.js', 'lib/safe-object.js'],
      ['otel/src/calls.js', 'lib/events.js'],
      ['image/src/ring.js', 'lib/safe-object.js'],
      ['cli/src/main.js', 'index.js'],
    ]) {
      const text = `require('${posix.relative(posix.dirname(path), to).replace(/^(?!\.)/, './')}')`
      assert.deepEqual(strangeImports({ path, text }), [`${path} imports ${to}`])
    }
  })

  test('no file of index.js and lib/ opens a connection', () => {
    const own = scripts.filter(({ path }) => path === 'index.js' || path.startsWith('lib/'))
    const opens =
      /(require|import)\(['"](node:)?(net|http|https|http2|tls|dns|dgram)(\/promises)?['"]|\b(fetch|WebSocket)\(/
    assert.deepEqual(
      own.filter(({ text }) => opens.test(text)).map(({ path }) => path),
      [],
    )
  })

  test('files and folders that the page names exist', () => {
    const paths = [
      ...page.matchAll(/`((?:src|lib|fake|scene|otel|nest|image|cli|tests|__test__|docs)\/[\w./-]*|index\.js)`/g),
    ]
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => posix.join('docs/en', path))
    const named = [...new Set([...paths.map(([, path]) => path), ...links])]
    assert.ok(named.length > 40)
    assert.deepEqual(
      named.filter((path) => !existsSync(url(path))),
      [],
    )
  })

  test('every Lua script is described', () => {
    const scripts = filesIn('src', '.lua').map((path) => posix.basename(path))
    assert.deepEqual(
      scripts.filter((name) => !page.includes(`\`${name}\``)),
      [],
    )
  })

  test('every file of src/token/ has its place in the table, and nothing else has', () => {
    const files = sources.filter(({ module }) => module === 'token').map(({ path }) => path.split('/')[2])
    const names = new Set(files.map((name) => (name.includes('.') ? name : `${name}/`)))
    names.delete('mod.rs')
    const described = rows(page, 'Token protocol').flatMap(([cell]) => quoted(cell))
    assert.deepEqual(described.sort(), [...names].sort())
  })

  test('links within the page lead to a heading', () => {
    const slug = (heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading))
    const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target)
    assert.deepEqual(
      targets.filter((target) => !headings.includes(target)),
      [],
    )
  })

  test('the glossary has at most forty terms, each once, by the alphabet', () => {
    const terms = rows(page, 'Glossary').map(([term]) => term)
    assert.ok(terms.length <= 40, `${terms.length} terms`)
    assert.deepEqual(
      terms,
      [...new Set(terms)].sort((one, other) => one.localeCompare(other, 'en')),
    )
  })
})
