import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript6'
import { documents as ofEndpoints } from '../scripts/endpoints.mjs'
import { documents } from '../scripts/errcodes.mjs'
import { asked } from './support/decode.mjs'
import { suite, world } from './support/suite.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SURROUNDINGS = new URL('readme/surroundings.mjs', import.meta.url).href
const CLI = join(ROOT, 'cli/bin/wxacode.js')
const READMES = ['README.md', 'README.zh-CN.md']
const ALL = [...READMES, 'scene/README.md']
/** The oldest that is promised, the last that is JavaScript, and the present one. */
const COMPILERS = ['typescript54', 'typescript6', 'typescript']

const text = (file) => readFileSync(join(ROOT, file), 'utf8')
const blocksOf = (file) =>
  [...text(file).matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }))

const isCode = (language) => language === 'js' || language === 'ts'

/**
 * What comes of a block, by something that is in it: `more` is run after it, `check` looks at what it has left. Each block
 * has one.
 */
const OUTCOMES = {
  'code.jpg': { check: ({ file }) => assert.equal(asked(file('code.jpg')).scene, 'id=42') },
  'instanceof WeChatAPIError': {
    check: ({ stderr }) => assert.match(stderr, /^getUnlimitedQRCode: 41030 .*^41030 [\w-]+ .*checkPath/ms),
  },
  '.listen(3000)': { check: async ({ get }) => assert.equal(asked(await get('/code/42')).scene, 'id=42') },
  'route.ts': {
    more: `const context = { params: Promise.resolve({ id: '42' }) }
      console.log((await GET(new Request('http://here/'), context)).status)`,
    check: ({ stdout }) => assert.match(stdout, /^200$/m),
  },
  askYourTokenService: {
    more: 'console.log((await wxa.getAccessToken()).accessToken)',
    check: ({ stdout }) => assert.match(stdout, /a-token-of-yours/),
  },
  'cache: {': { more: 'console.log(wxa.stats().cache)', check: ({ stdout }) => assert.match(stdout, /hits: 0/) },
  'wxa.batch': { check: ({ files }) => assert.deepEqual(files('codes').sort(), ['1.jpg', '2.jpg']) },
  getuserphonenumber: {
    more: 'console.log(phone_info.purePhoneNumber, link, remain)',
    check: ({ stdout }) => assert.match(stdout, /13800000000 https?:\S+ \d+/),
  },
  'redis://user:password@': { more: 'console.log(wxa.appid)', check: ({ stdout }) => assert.match(stdout, /wx/) },
  'as TokenEvent': { more: 'await wxa.getAccessToken()', check: ({ stderr }) => assert.equal(stderr, '') },
  'subscribe(': { more: 'await wxa.getAccessToken()', check: ({ stdout }) => assert.match(stdout, /'refresh\.ok'/) },
  'fake.fail(41030)': {
    more: `await wxa.getUnlimitedQRCode({ scene: 'a' }).catch(({ errcode }) => console.log('errcode', errcode))`,
    check: ({ stdout }) => assert.match(stdout, /errcode 41030/),
  },
  'poster.decode': { check: ({ stdout }) => assert.match(stdout, /true (share )?7/) },
  'error.stopsBatch': { check: ({ stderr }) => assert.equal(stderr, '') },
  'explain(40159': { check: ({ stdout }) => assert.match(stdout, /^parameter .*1024.*$/m) },
  AbortController: { more: 'console.log(image.length > 1000)', check: ({ stdout }) => assert.match(stdout, /^true$/m) },
  "check('unlimited'": { check: ({ stdout }) => assert.match(stdout, /^scene .*no %, space or Chinese/m) },
  'invalidateAccessToken(': {
    more: 'console.log(expiresAt > new Date())',
    check: ({ stdout }) => assert.match(stdout, /^true$/m),
  },
  'cache: true })\n': {
    more: `for (let n = 0; n < 2; n++) await wxa.getUnlimitedQRCode({ scene: 'id=42' })
      console.log(wxa.stats().cache)`,
    check: ({ stdout }) => assert.match(stdout, /\bhits: 1\b.*misses: 1\b/s),
  },
  "fake.count('codes')": { check: ({ stdout }) => assert.match(stdout, /^\d+ 1 .*"scene":"id=42"/m) },
  "from 'node:test'": {
    more: `const { after } = await import('node:test')
      await new Promise((done) => after(done))`,
    check: ({ stdout }) => assert.match(stdout, /a stale token is replaced/),
  },
  'Pick<WxaCode': { more: 'console.log(String(image))', check: ({ stdout }) => assert.match(stdout, /^a picture$/m) },
  'new Hono': {
    more: `console.log((await app.request('/code/42')).status)`,
    check: ({ stdout }) => assert.match(stdout, /^200$/m),
  },
  'port: 3000': { check: async ({ get }) => assert.equal(asked(await get('/code/42')).scene, 'id=42') },
  'versionOf(': { check: ({ stdout }) => assert.match(stdout, /{ shop: 5 }\s{ shop: 5, from: 'share' }/) },
}

/** The files that blocks of a project repeat; the install tests and the examples' tests run them. */
const OF_PROJECTS = [
  '__test__/install/nest/src/codes.service.ts',
  '__test__/install/nest/src/codes.service.spec.ts',
  '__test__/install/vitest/codes.test.js',
  'examples/nest/src/codes/codes.controller.ts',
]

/** Files of a project with Jest or Vitest, which the install tests make, compile and run. */
const ofAProject = /from '(?:vitest|@nestjs\/|\.\/)/

/** Of a change, what is there after it. */
const AFTER = {
  more: `console.log((typeof image === 'undefined' ? buffer : image).length > 1000)`,
  check: ({ stdout }) => assert.match(stdout, /true/),
}

suite(
  'the READMEs',
  (test) => {
    for (const readme of ALL) {
      for (const [n, { language, code }] of blocksOf(readme).entries()) {
        const title = `${readme}: block ${n + 1}`
        if (isCode(language) && ofAProject.test(code)) {
          test(`${title} is a file that is tested`, () =>
            assert.ok(
              OF_PROJECTS.some((file) => text(file) === code),
              code,
            ))
        } else if (isCode(language)) {
          const outcomes = Object.entries(OUTCOMES).filter(([part]) => code.includes(part))
          test(`${title} (${outcomes[0]?.[0]}) does what the text says`, async (t) => {
            assert.ok(outcomes.length > 0, `nothing is known of what comes of it:\n${code}`)
            await ran(t, code, outcomes[0][1])
          })
        } else if (language === 'diff') {
          test(`${title}, after the change, gives a picture`, (t) => ran(t, after(code), AFTER))
        } else if (language === 'console') {
          test(`${title} shows what the command prints`, (t) => printed(t, code))
        } else {
          test(`${title} names commands that exist`, () => code.trim().split('\n').forEach(isThere))
        }
      }
    }

    for (const compiler of COMPILERS) {
      test(`have code that compiles under strict, with ${compiler}`, (t) => compiled(t, compiler))
    }

    test('have the same code and the same sections in both languages', () => {
      const [en, zh] = READMES.map((readme) => ({
        code: blocksOf(readme)
          .filter(({ language }) => language !== 'console')
          .map(({ code }) => code.replace(/\s+#.*$/gm, '')),
        sections: text(readme).match(/^#+ /gm),
        rows: text(readme).match(/^\|/gm).length,
        links: text(readme)
          .match(/\]\((?!#|http)[^)]*/g)
          .map((link) => link.replaceAll('.zh-CN', '')),
      }))
      assert.deepEqual(zh, en)
    })

    test('have the errcodes of the catalogue', () => {
      for (const [file, wanted] of documents()) assert.equal(text(file), wanted, `${file}: npm run docs:errcodes`)
    })

    test('and everything else that follows from the schema have the parameters that it has', () => {
      for (const [file, wanted] of ofEndpoints()) assert.equal(text(file), wanted, `${file}: npm run docs:endpoints`)
    })

    test('link to files and headings that exist', () => {
      for (const readme of ALL) {
        const anchors = [...text(readme).matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchorOf(title))
        for (const [, link] of text(readme).matchAll(/\]\(([^)]+)\)/g)) {
          if (link.startsWith('http')) continue
          if (link.startsWith('#')) assert.ok(anchors.includes(link.slice(1)), `${readme} has no section ${link}`)
          else assert.ok(existsSync(join(ROOT, dirname(readme), link)), `there is no ${link}`)
        }
      }
    })
  },
  { concurrency: 2 },
)

/** As GitHub makes them. */
const anchorOf = (title) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

const after = (diff) =>
  diff
    .split('\n')
    .filter((line) => line.startsWith('+'))
    .map((line) => line.slice(2))
    .join('\n')

/** That all blocks are TypeScript too, each as a module of its own. */
async function compiled(t, compiler) {
  const folder = folderFor(t)
  for (const file of [...ALL, 'fake/README.md', 'cli/README.md']) {
    for (const [n, { language, code }] of blocksOf(file).entries()) {
      const name = `${file.replaceAll('/', '-')}-${n + 1}`
      if (isCode(language) && !ofAProject.test(code)) writeFileSync(join(folder, `${name}.mts`), `${code}\nexport {}\n`)
      if (language === 'diff') writeFileSync(join(folder, `${name}.mts`), `${after(code)}\nexport {}\n`)
    }
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  }
  const include = ['.', fileURLToPath(new URL('readme/surroundings.d.ts', import.meta.url))]
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
  const tsc = join(ROOT, 'node_modules', compiler, 'bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', folder]).catch((error) => error)
  assert.equal(stdout, '')
}

/** Runs a block in a folder of its own, and then looks at what it has left. */
async function ran(t, code, { more = '', check }) {
  const { options, fake } = await world(t, { app: { pages: ['pages/index/index', 'pages/shop'] } })
  const folder = folderFor(t)
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: 'esnext', target: 'es2022' } })
  writeFileSync(join(folder, 'block.mjs'), `${outputText}\n${more}\nconsole.log('the end;')\n`)
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    WXACODE_APPID: options.appid,
    WXACODE_SECRET: options.secret,
    TEST_GIVEN: JSON.stringify({ ...options, baseUrl: await withPhoneNumbers(t, fake.url) }),
  }
  const child = spawn(process.execPath, ['--import', SURROUNDINGS, 'block.mjs'], { cwd: folder, env })
  t.after(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (said) => {
      output[name] += said
    })
  }
  while (
    !output.stdout.includes('the end;') ||
    (code.includes('.listen(') && !output.stdout.includes('listening on'))
  ) {
    const ended = await Promise.race([once(child.stdout, 'data').then(() => false), once(child, 'close')])
    assert.ok(!ended || output.stdout.includes('the end;'), `it ended early: ${output.stderr}`)
  }
  const port = /listening on (\d+);/.exec(output.stdout)?.[1]
  await check({
    ...output,
    file: (name) => readFileSync(join(folder, name)),
    files: (name) => readdirSync(join(folder, name)),
    get: async (path) => Buffer.from(await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer()),
  })
}

/** Within the project, so that a block finds the packages; out of the way of git. */
function folderFor(t) {
  mkdirSync(join(ROOT, 'target'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'target/readme-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A way to the fake WeChat that answers for users' phone numbers, of which the fake knows nothing. */
async function withPhoneNumbers(t, url) {
  const server = createServer((req, res) => {
    if (req.url.startsWith('/wxa/business/getuserphonenumber')) {
      return res.end(JSON.stringify({ errcode: 0, errmsg: 'ok', phone_info: { purePhoneNumber: '13800000000' } }))
    }
    const { method, headers } = req
    req.pipe(
      request(url + req.url, { method, headers }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers)
        answer.pipe(res)
      }).on('error', () => res.destroy()),
    )
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

/** That a command prints every line that is shown, asking a WeChat that does not have this address in its whitelist. */
async function printed(t, code) {
  const [command, ...lines] = code.trimEnd().split('\n')
  assert.ok(command.startsWith('$ wxacode '))
  const { options } = await world(t, { ipWhitelist: [] })
  const env = {
    ...process.env,
    NO_COLOR: '1',
    LANG: 'en_US.UTF-8',
    WXACODE_APPID: options.appid,
    WXACODE_SECRET: options.secret,
    WXACODE_BASE_URL: options.baseUrl,
  }
  const child = spawn(process.execPath, [CLI, ...command.split(' ').slice(2)], { env })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      said += part
    })
  }
  await once(child, 'close')
  // Two looks at a clock may be a second apart, on a machine that is busy.
  const shown = (line) => line.replace(/(within|不到) \d+ (s|秒)/, '$1 1 $2')
  const printed = said.split('\n').map(shown)
  assert.deepEqual(
    lines.filter((line) => !printed.includes(shown(line))),
    [],
    said,
  )
}

function isThere(line) {
  const { scripts } = JSON.parse(text('package.json'))
  const command = line.split('#')[0].trim()
  const script = /^npm (?:run )?([\w:]+)$/.exec(command)?.[1]
  const installed = /^npm install ([\w-]+)$/.exec(command)?.[1]
  if (installed) assert.equal(JSON.parse(text(join('node_modules', installed, 'package.json'))).name, installed)
  else assert.ok(script in scripts, `${command} is unknown`)
}
