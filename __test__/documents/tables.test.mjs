import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import ts from 'typescript6'
import { proseOf, text, twinOf } from '../../scripts/pages.mjs'

const require = createRequire(import.meta.url)
const { explain } = require('wxacode')
const { endpoints } = require('../../lib/endpoints.json')
const { ENDPOINTS: OF_THE_FAKE } = require('../../fake/src/endpoints.js')
const { EXIT } = await import('../../cli/src/exit-codes.js')
const { LABEL_PAPERS, labelPaperOf } = await import('../../cli/src/batch/sheet/label-papers.js')
const { labelLayout } = await import('../../cli/src/batch/sheet/layout.js')

/** Rows of cells, without the head, for each table of a page in turn. */
function tablesOf(file) {
  const tables = proseOf(file)
    .split(/\n(?!\|)/)
    .map((part) => part.split('\n').filter((line) => line.startsWith('|')))
  return tables
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.slice(2).map((line) => line.split(/(?<!\\)\|/).slice(1, -1)))
}

/** What stands in backticks. */
const codesIn = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code)
/** Method and path of WeChat's endpoints, in whichever column. */
const routesIn = (row) => row.flatMap(codesIn).filter((code) => /^(GET|POST) \//.test(code))
const column = (rows, n) => rows.flatMap((row) => codesIn(row[n]))

/** The declaration of this name in a file of types. */
function declared(file, name) {
  const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true)
  return source.statements.find((statement) => statement.name?.text === name)
}
const membersOf = (file, name) =>
  declared(file, name)
    .members.filter((member) => member.name && ts.isIdentifier(member.name))
    .map((member) => member.name.text)
/** The strings in a type, however deep. */
function stringsIn(file, name) {
  const found = []
  const visit = (node) => {
    if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) found.push(node.literal.text)
    ts.forEachChild(node, visit)
  }
  visit(declared(file, name))
  return found
}
/** The names of the events of a channel. */
const eventsOf = (type) =>
  [
    ...declared(type === 'PlatformStateEvent' ? PLATFORM : EVENTS, type)
      .getText()
      .matchAll(/\bevent: ('[^']+'(?:\s*\|\s*'[^']+')*)/g),
  ].flatMap(([, names]) => names.match(/[^'|\s]+/g))

/** That a table has every flag of the contact sheet. @param {number} cell */
const ofTheSheet = (cell) => (rows) =>
  sameNames(
    column(rows, cell)
      .filter((code) => code.startsWith('--'))
      .map((code) => code.split(' ')[0]),
    text('cli/src/batch/sheet/options.js').match(/(?<=option\(')--[\w-]+/g),
  )

const sorted = (names) => [...new Set(names)].sort()
const sameNames = (shown, wanted) => assert.deepEqual(sorted(shown), sorted(wanted))

/** As documents call the test runners, by their commands. */
const TITLES = { jest: 'Jest', mocha: 'Mocha', node: 'node:test', vitest: 'Vitest' }
const ERRORS = 'lib/types/errors.d.ts'
const EVENTS = 'lib/types/events.d.ts'
const PLATFORM = 'lib/types/platform.d.ts'
/** The channels and the types of their events. */
const CHANNELS = {
  'wxacode:token': 'TokenEvent',
  'wxacode:redis': 'RedisEvent',
  'wxacode:request': 'RequestEvent',
  'wxacode:cache': 'CacheEvent',
  'wxacode:platform': 'PlatformStateEvent',
}
/** The paths by which the package is imported for a web framework. */
const ADAPTERS = Object.keys(require('../../package.json').exports)
  .filter((path) => !/^\.$|json/.test(path))
  .map((path) => `wxacode${path.slice(1)}`)
/** The test runners of the projects of a user, each with its major version. */
const RUNNERS = readdirSync(new URL('../install', import.meta.url)).flatMap((folder) => {
  const manifest = new URL(`../install/${folder}/package.json`, import.meta.url)
  if (!existsSync(manifest)) return []
  const { devDependencies, scripts } = JSON.parse(readFileSync(manifest, 'utf8'))
  // That of the bundlers has no tests.
  const runner = Object.keys(TITLES).find((name) => scripts?.test?.startsWith(name))
  if (runner === undefined) return []
  const range = devDependencies[runner] ?? require('../../package.json').engines.node
  const major = /\d+/.exec(range)[0]
  return [[TITLES[runner], runner === 'node' ? `Node ${major}` : major]]
})
const ROUTES = endpoints.map(({ name, method, path }) => [name, `${method} ${path}`])

/** What the tables of each page have to say, in the order in which they stand there. */
const TABLES = {
  'docs/en/usage.md': {
    'the three methods and their endpoints': (rows) => {
      const shown = rows.map((row) => [codesIn(row[0])[0].split('(')[0], ...routesIn(row)])
      assert.deepEqual(shown, ROUTES.slice(0, 3))
    },
    'every option': (rows) => sameNames(column(rows, 0), membersOf('lib/types/options.d.ts', 'WxaCodeOptions')),
    'every environment variable and its option': (rows) => {
      const known = [...text('lib/environment.js').matchAll(/(\w+): '(WXACODE_\w+)'/g)].map(([, name, key]) => [
        key,
        name,
      ])
      assert.deepEqual(
        rows.map((row) => [codesIn(row[0])[0], codesIn(row[1])[0]]),
        [...known, ['WXACODE_LANG', 'lang']],
      )
    },
  },
  'docs/en/errors.md': {
    'every code, with its class': (rows) => {
      sameNames(column(rows, 0), stringsIn(ERRORS, 'WxaErrorCode'))
      const classes = {
        ERR_WXA_PARAMS: 'InvalidParamsError',
        ERR_WXA_API: 'WeChatAPIError',
        ERR_WXA_PUSH: 'InvalidPushError',
      }
      for (const [code, name] of rows.map((row) => [codesIn(row[0])[0], codesIn(row[1])[0]])) {
        assert.equal(name, classes[code] ?? 'WxaCodeError', code)
      }
    },
    'every property of an error': (rows) => {
      const classes = ['WxaCodeError', 'WeChatAPIError', 'InvalidParamsError', 'InvalidPushError']
      const members = classes.flatMap((name) => membersOf(ERRORS, name))
      // `hint` is what `rid` was called in older responses, and `from` a method of the classes.
      sameNames(
        column(rows, 0),
        members.filter((name) => !['from', 'hint', 'toJSON'].includes(name)),
      )
    },
    'every reason of a refused push': (rows) => sameNames(column(rows, 0), stringsIn(ERRORS, 'PushErrorReason')),
  },
  'docs/en/tokens.md': {
    'every mode': (rows) => {
      const type = declared('lib/types/options.d.ts', 'WxaCodeOptions').members.find(
        ({ name }) => name.text === 'token',
      )
      assert.deepEqual(column(rows, 0).slice(0, 3), type.type.getText().match(/'\w+'/g))
    },
    'the schemes of a Redis URL': (rows) => {
      for (const url of column(rows, 0)) assert.match(url, /^(redis|rediss|unix|redis-sentinel):\/\//)
    },
  },
  'docs/en/cache.md': {
    'every option of the cache': (rows) =>
      sameNames(column(rows, 0), membersOf('lib/types/options.d.ts', 'CacheOptions')),
    'the counters of calls': (rows) =>
      sameNames(
        column(rows, 0),
        membersOf(EVENTS, 'CacheStats').filter((name) => !['entries', 'sizeBytes', 'diskBytes'].includes(name)),
      ),
  },
  'docs/en/frameworks.md': {
    'the adapters that the package has': (rows) => sameNames(column(rows, 1), ADAPTERS),
    'every status that a handler sends': (rows) => {
      const problems = [...text('lib/web/answer/problem.js').matchAll(/^ {2}(\d{3}): \{/gm)].map(([, status]) => status)
      sameNames(
        rows.map((row) => row[0].trim()),
        ['200', '304', ...problems],
      )
    },
    'every option of a handler': (rows) =>
      sameNames(column(rows, 0), membersOf('lib/web/types.d.ts', 'CodeHandlerOptions')),
    'every status that a push handler sends': (rows) =>
      assert.deepEqual(
        rows.map((row) => row[0].trim()),
        ['200', '400', '401', '405', '500'],
      ),
  },
  'docs/en/events.md': {
    'every channel with its events': (rows) => {
      assert.deepEqual(column(rows, 0), Object.keys(CHANNELS))
      for (const row of rows) sameNames(codesIn(row[1]), eventsOf(CHANNELS[codesIn(row[0])[0]]))
    },
    'events that there are': (rows) => {
      const known = Object.values(CHANNELS).flatMap(eventsOf)
      for (const event of column(rows, 0)) assert.ok(known.includes(event), event)
    },
    'every statistic': (rows) => sameNames(column(rows, 0), membersOf(EVENTS, 'Stats')),
  },
  'docs/en/platform.md': {
    'the three credentials': (rows) =>
      assert.deepEqual(
        column(
          rows.map((row) => row.slice(0, 1)),
          0,
        ),
        ['component_verify_ticket', 'component_access_token', 'authorizer_access_token'],
      ),
    'options to enter settings of open.weixin.qq.com in': (rows) => {
      const known = ['WxaPlatformOptions', 'AuthorizationUrlOptions'].flatMap((name) => membersOf(PLATFORM, name))
      for (const name of column(rows, 2)) assert.ok([...known, 'authorizationUrl()'].includes(name), name)
    },
    'every option of a platform': (rows) => sameNames(column(rows, 0), membersOf(PLATFORM, 'WxaPlatformOptions')),
    'the adapters that receive pushes': (rows) => {
      sameNames(column(rows, 1), ADAPTERS)
      for (const path of ADAPTERS) assert.equal(typeof require(path).pushHandler, 'function', path)
    },
    'every type of a push that wxacode acts on': (rows) =>
      sameNames(
        column(rows, 0).filter((name) => name !== 'event.type'),
        ['TicketEvent', 'AuthorizedEvent', 'UnauthorizedEvent'].flatMap((name) => stringsIn(PLATFORM, name)),
      ),
    'the stores that need no code': (rows) => {
      const stores = column(rows, 0).filter((code) => code.startsWith("'"))
      assert.deepEqual(stores, ["'file:/var/lib/shop/wechat.json'", "'memory'"])
    },
    'errcodes that have an explanation': (rows) => {
      const errcodes = rows.flatMap((row) => row[0].match(/\d+/g))
      for (const errcode of errcodes) assert.ok(explain(Number(errcode)), errcode)
    },
    'every statistic of a platform': (rows) => sameNames(column(rows, 0), membersOf(PLATFORM, 'PlatformStats')),
  },
  'docs/en/testing.md': {
    'every test runner that is tested, by the versions of the projects': (rows) => {
      const shown = rows.map((row) => [row[0].trim(), row[1].trim()])
      assert.deepEqual(shown.sort(), RUNNERS.sort())
    },
    'failures that the fake has': (rows) => {
      for (const call of column(rows, 0)) assert.match(call, /^(fake\.\w+|startFakeWeChat)\(|^'\w+'$/)
    },
    'how each error is made': (rows) => {
      const named = rows.flatMap((row) => `${row[0]}${row[1]}`.match(/ERR_WXA_\w+/g) ?? [])
      const withClass = ['ERR_WXA_API', 'ERR_WXA_PARAMS', 'ERR_WXA_PUSH']
      sameNames([...named, ...withClass], stringsIn(ERRORS, 'WxaErrorCode'))
      const calls = column(rows, 0).map((call) => call.split('(')[0])
      sameNames(calls, ['WeChatAPIError.from', 'InvalidParamsError.from', 'WxaCodeError.from'])
    },
  },
  'docs/en/apis.md': {
    'every method of links, with its endpoint': (rows) => {
      const links = endpoints.filter(({ group }) => group === 'link')
      sameNames(
        column(rows, 0),
        links.map(({ name }) => name),
      )
      sameNames(
        rows.flatMap(routesIn),
        links.map(({ method, path }) => `${method} ${path}`),
      )
    },
    'every method for debugging': (rows) =>
      sameNames(
        rows.map((row) => codesIn(row[0])[0].split('(')[0]),
        endpoints.filter(({ group }) => group === 'debug').map(({ name }) => name),
      ),
  },
  'cli/README.md': {
    'every command': (rows) => {
      const files = ['batch', 'check', 'doctor', 'explain', 'fake', 'platform', 'rid', 'token']
      const kinds = endpoints.flatMap(({ kind }) => kind ?? [])
      for (const file of files) assert.match(text(`cli/src/commands/${file}.js`), new RegExp(`\\.command\\('${file}'`))
      sameNames(column(rows, 0), [...files, ...kinds])
    },
    'flags that there are': (rows) => {
      const known = ['cli/src/flags.js', 'cli/src/commands/command.js'].map(text).join('')
      for (const flag of column(rows, 2)) assert.ok(known.includes(flag.split(' ')[0]), flag)
    },
    'flags of the sheet': ofTheSheet(0),
    'every variable and flag of a platform': (rows) => {
      const variables = new Set(text('cli/src/platform.js').match(/WXACODE_PLATFORM_\w+/g))
      sameNames(
        column(rows, 1).filter((name) => name.startsWith('WXACODE_')),
        [...variables],
      )
      for (const flag of column(rows, 2)) assert.ok(text('cli/src/flags.js').includes(flag.split(' ')[0]), flag)
    },
    'every exit code': (rows) =>
      sameNames(
        rows.flatMap((row) => [row[0].trim(), ...(row[1].match(/\b143\b/) ?? [])]),
        Object.values(EXIT).map(String),
      ),
  },
  'docs/en/printing.md': {
    'flags of the sheet': ofTheSheet(0),
    'every label paper with its sizes': (rows) => {
      sameNames(column(rows, 0), LABEL_PAPERS)
      for (const [names, paper, grid, size, code] of rows) {
        for (const name of codesIn(names)) {
          const labels = labelPaperOf(name)
          const { columns, rows: down, width, height, side } = labelLayout(labels, labels.paper, {})
          const shown = [paper, grid, size, code].map((cell) => cell.trim())
          const letter = labels.paper.width > 215 ? 'Letter' : 'A4'
          const [w, h, wide] = [width, height, side].map((one) => String(Number(one.toFixed(1))))
          assert.deepEqual(shown, [letter, `${columns} x ${down}`, `${w} x ${h}`, wide], name)
        }
      }
    },
  },
  'fake/README.md': {
    'every endpoint of the fake': (rows) =>
      assert.deepEqual(
        rows.map((row) => row.slice(0, 3).map((cell) => codesIn(cell)[0])),
        [...OF_THE_FAKE].map(([path, { method, name, group }]) => [`${method} ${path}`, name, group]),
      ),
    'every failure of the network': (rows) => {
      const shown = column(rows, 0).filter((what) => what.startsWith("'"))
      sameNames(
        shown.map((what) => what.slice(1, -1)),
        stringsIn('fake/index.d.ts', 'Failure'),
      )
    },
  },
  'image/README.md': {
    'every function': (rows) => {
      for (const name of column(rows, 0)) assert.ok(declared('image/index.d.ts', name.split('(')[0]), name)
    },
    'every code of an error': (rows) => sameNames(column(rows, 0), stringsIn('image/index.d.ts', 'ImageErrorCode')),
  },
  'docs/en/pictures.md': {
    'every option of centerLogo': (rows) =>
      sameNames(column(rows, 0), membersOf('image/index.d.ts', 'CenterLogoOptions')),
    'every layer': (rows) => {
      for (const [kind, options] of rows.map((row) => row.map(codesIn))) {
        const name = `${kind[0][0].toUpperCase()}${kind[0].slice(1)}Layer`
        for (const option of [...kind, ...options.filter((one) => /^\w+$/.test(one))]) {
          assert.ok(membersOf('image/index.d.ts', name).includes(option), `${name}.${option}`)
        }
      }
    },
    'systems with fonts': (rows) => assert.equal(rows.length, 2),
    'every code of an error': (rows) => sameNames(column(rows, 0), stringsIn('image/index.d.ts', 'ImageErrorCode')),
  },
  'scene/README.md': {
    'every field': (rows) => {
      for (const name of column(rows, 0)) assert.ok(declared('scene/index.d.ts', name.split('(')[0]), name)
    },
    'every code of an error': (rows) => {
      const codes = text('scene/index.d.ts')
        .match(/readonly code: (.*)/)[1]
        .match(/ERR_\w+/g)
      sameNames(column(rows, 0), codes)
    },
  },
}

describe('tables of documents', () => {
  for (const [page, tables] of Object.entries(TABLES)) {
    for (const file of [page, twinOf(page)]) {
      for (const [n, [title, check]] of Object.entries(tables).entries()) {
        test(`${file} has ${title}`, () => check(tablesOf(file)[n]))
      }
    }
  }
})
