import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import jpeg from 'jpeg-js'
import pngjs from 'pngjs'
import ts from 'typescript6'
import { isShown, play, redBlocksOf, redLines, sessionsOf } from '../../scripts/console.mjs'
import { blocksOf, DOCUMENTS, isChinese, ROOT, text } from '../../scripts/pages.mjs'
import { pictures } from '../../scripts/pictures.mjs'
import { asked } from '../support/decode.mjs'
import { needsRedis } from '../support/redis.mjs'
import { newAppid, setup, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { OF_TELEMETRY } from './telemetry.mjs'

const SURROUNDINGS = new URL('surroundings.mjs', import.meta.url).href
/** The oldest that is promised, the last that is JavaScript, and the present one. */
const COMPILERS = ['typescript54', 'typescript6', 'typescript']

/** The commands of the command line, as it lists them. */
const CLI_COMMANDS = [
  ...execFileSync(process.execPath, [join(ROOT, 'cli/bin/wxacode.js'), '--help'], { encoding: 'utf8' }).matchAll(
    /^ {2}([a-z]+)\b/gm,
  ),
].map(([, name]) => name)

const isCode = (language) => language === 'js' || language === 'ts'

/**
 * What comes of a block, by something that is in it: `more` is run after it, `check` looks at what it has left. Each block
 * has one.
 */
const OUTCOMES = {
  ...OF_TELEMETRY,
  'shop.jpg': { check: ({ file }) => assert.equal(jpeg.decode(file('shop.jpg')).width, 430) },
  'flatten(transparent': {
    more: 'console.log(image.readUInt32BE(16))',
    check: ({ stdout }) => assert.match(stdout, /^478$/m),
  },
  'layers: [': {
    more: 'console.log(image.readUInt32BE(16), image.readUInt32BE(20))',
    check: ({ stdout }) => assert.match(stdout, /^600 800$/m),
  },
  'instanceof ImageError': {
    check: ({ stderr }) => assert.match(stderr, /^ERR_IMAGE_CODE code code: no empty ring/m),
  },
  'platform.authorizationUrl': {
    check: async ({ get, push, fake, output }) => {
      assert.deepEqual(await push('/wechat/push'), [200, 'success'])
      assert.match(String(await get('/authorize')), /<a href="https:\/\/mp\.weixin\.qq\.com\/.*redirect_uri=https/)
      const merchant = newAppid()
      const code = await fake.authorize(merchant)
      assert.equal(String(await get(`/authorized?auth_code=${encodeURIComponent(code)}`)), `${merchant}: 17, 88`)
      assert.equal(asked(await get(`/code/${merchant}`)).scene, 'id=42')
      assert.ok(await until(() => /component_verify_ticket[\s\S]*authorized/.test(output.stdout)))
    },
  },
  "store: 'memory'": { check: ({ stdout }) => assert.match(stdout, /^success true$/m) },
  'store: PlatformStore': {
    more: `await platform.importAuthorizer({ appid: merchantAppid, refreshToken: 'refreshtoken@@@1' })
      console.log(await store.get(\`wxacode:\${platform.appid}:authorizer:\${merchantAppid}\`) instanceof Uint8Array)`,
    check: ({ stdout }) => assert.match(stdout, /^true$/m),
  },
  importAuthorizer: {
    more: 'console.log(platform.stats().store)',
    check: ({ stdout }) => assert.match(stdout, /^up$/m),
  },
  askToAuthorizeAgain: { check: ({ stdout }) => assert.match(stdout, /^ask wx00000000000000a1$/m) },
  'as PlatformStateEvent': {
    more: `const { channel } = await import('node:diagnostics_channel')
      await platform.removeAuthorizer(merchantAppid)
      channel('wxacode:platform').publish({ event: 'store.error', appid, code: 'ERR_WXA_STORE', message: 'no disk' })`,
    check: ({ stderr }) => assert.match(stderr, /^store\.error wx\w+ no disk$/m),
  },
  ticketAgeMs: { more: 'console.log(isWell)', check: ({ stdout }) => assert.match(stdout, /^true$/m) },
  'POST = pushHandler': {
    more: "console.log((await POST(new Request('http://here/', { method: 'POST' }))).status)",
    check: ({ stdout }) => assert.match(stdout, /^400$/m),
  },
  'push(c.req.raw)': {
    more: "console.log((await app.request('/wechat/push', { method: 'POST' })).status)",
    check: ({ stdout }) => assert.match(stdout, /^400$/m),
  },
  'pushHandler(platform': { check: async ({ push }) => assert.deepEqual(await push('/wechat/push'), [200, 'success']) },
  'platform.authorizers': { check: ({ stderr }) => assert.equal(stderr, '') },
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
  'store: CodeStore': {
    more: `await wxa.getUnlimitedQRCode({ scene })
      await wxa.close()
      const elsewhere = new WxaCode({ appid, secret, cache: { store } })
      await elsewhere.getUnlimitedQRCode({ scene })
      console.log(elsewhere.stats().cache.storeHits, wxa.stats().cache.misses, wxa.stats().cache.diskBytes > 1000)`,
    check: ({ stdout }) => assert.match(stdout, /^1 1 true$/m),
  },
  "directory: '/var": {
    more: `await wxa.getUnlimitedQRCode({ scene })
      await wxa.close()
      const again = new WxaCode({ appid, secret, cache: { directory: '/codes' } })
      await again.getUnlimitedQRCode({ scene })
      console.log(again.stats().cache.diskHits)`,
    check: ({ stdout }) => assert.match(stdout, /^1$/m),
  },
  'as CacheEvent': {
    more: `await wxa.getAccessToken()
      const failing = { get() { throw new Error('no bucket') }, set() {} }
      await new WxaCode({ appid, secret, cache: { store: failing } }).getUnlimitedQRCode({ scene })
      await wxa.getQuota('/wxa/getwxacodeunlimit')`,
    check: ({ stderr }) => assert.match(stderr, /^cache_store\.error cache\.store\.get: no bucket/m),
  },
  'cache: {': { more: 'console.log(wxa.stats().cache)', check: ({ stdout }) => assert.match(stdout, /hits: 0/) },
  'wxa.batch': { check: ({ files }) => assert.deepEqual(files('codes').sort(), ['1.jpg', '2.jpg']) },
  getuserphonenumber: {
    more: 'console.log(phone_info.purePhoneNumber, link, remain)',
    check: ({ stdout }) => assert.match(stdout, /13800000000 https?:\S+ \d+/),
  },
  'redis://user:password@': { more: 'console.log(wxa.appid)', check: ({ stdout }) => assert.match(stdout, /wx/) },
  'as TokenEvent': { more: 'await wxa.getAccessToken()', check: ({ stderr }) => assert.equal(stderr, '') },
  show_something: {
    check: ({ fake }) => assert.equal(fake.requests.at(-1).body, '{"scene":"id=42","show_something":true}'),
  },
  'codeKey(': { check: ({ stdout }) => assert.match(stdout, /^wx\w+\/v1-3fcdbc3711c1d08959d3c2979a68c075\.jpg$/m) },
  'propagateTraceparent: true': {
    more: `await new WxaCode({ appid, secret, propagateTraceparent: true }).getAccessToken()
      console.log(viaGateway.appid)`,
    check({ fake, stdout }) {
      assert.match(stdout, /^wx\w+$/m)
      assert.match(
        fake.requests.at(-1).headers.traceparent,
        /^00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01$/,
      )
    },
  },
  'as CallContext': {
    more: 'await wxa.getAccessToken()',
    check: ({ stdout }) => assert.match(stdout, /^getAccessToken wx\w+ - succeeded$/m),
  },
  'as AttemptMessage': {
    more: 'await wxa.getAccessToken()',
    check: ({ stdout }) => assert.match(stdout, /^getAccessToken token 0 200 [\d.]+$/m),
  },
  'bindStore(': {
    more: `const token = () => console.log(calls.getStore().method) ?? 'a-token'
      await new WxaCode({ appid, token }).getAccessToken()`,
    check: ({ stdout }) => assert.match(stdout, /^getAccessToken$/m),
  },
  'subscribe(': { more: 'await wxa.getAccessToken()', check: ({ stdout }) => assert.match(stdout, /'refresh\.ok'/) },
  'fake.fail(41030)': {
    more: "console.log('codes', fake.count('codes'))",
    check: ({ stdout }) => assert.match(stdout, /^codes 1$/m),
  },
  'poster.decode': { check: ({ stdout }) => assert.match(stdout, /true (share )?7/) },
  'error.stopsBatch': { check: ({ stderr }) => assert.equal(stderr, '') },
  'explain(40159': { check: ({ stdout }) => assert.match(stdout, /^parameter .*1024.*$/m) },
  AbortController: { more: 'console.log(image.length > 1000)', check: ({ stdout }) => assert.match(stdout, /^true$/m) },
  "check('unlimited'": { check: ({ stdout }) => assert.match(stdout, /^scene .*%, spaces? .*Chinese/m) },
  isBase64Encoded: {
    more: "console.log((await handler({ id: '42' })).body.slice(0, 4))",
    check: ({ stdout }) => assert.match(stdout, /^\/9j\/$/m),
  },
  'wxa.ready(': {
    more: `console.log(wxa.stats().refreshes)
      process.emit('SIGTERM')
      console.log((await wxa.ready().catch((error) => error)).code)`,
    check: ({ stdout }) => assert.match(stdout, /^1\nERR_WXA_CLOSED$/m),
  },
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
    check: ({ stdout }) => assert.match(stdout, /^(?:#|ℹ) pass [1-9]\d*$[\s\S]*^(?:#|ℹ) fail 0$/m),
  },
  'poster.encode': { more: 'console.log(image.length > 1000)', check: ({ stdout }) => assert.match(stdout, /^true$/m) },
  'Pick<WxaCode': { check: ({ stdout }) => assert.match(stdout, /^a picture 41030 false$/m) },
  'new Hono': {
    more: `console.log((await app.request('/code/42')).status)`,
    check: ({ stdout }) => assert.match(stdout, /^200$/m),
  },
  'port: 3000': { check: async ({ get }) => assert.equal(asked(await get('/code/42')).scene, 'id=42') },
  'versionOf(': { check: ({ stdout }) => assert.match(stdout, /{ shop: 5 }\s{ shop: 5, from: 'share' }/) },
}

/** The reader's logo: a red pixel. */
const LOGO = pngjs.PNG.sync.write(
  Object.assign(new pngjs.PNG({ width: 1, height: 1 }), { data: Buffer.of(255, 0, 0, 255) }),
)

/** The files that blocks of a project repeat; the install tests and the examples' tests run them. */
const OF_PROJECTS = [
  '__test__/install/nest/src/codes.service.ts',
  '__test__/install/nest/src/codes.service.spec.ts',
  '__test__/install/nest/src/codes.mock.spec.ts',
  '__test__/install/vitest/codes.test.js',
  '__test__/install/mocha/test/codes.mjs',
  '__test__/install/nest/src/posters.module.ts',
  'examples/nest/src/app.module.ts',
  'examples/nest/src/codes/codes.controller.ts',
  'examples/nest/src/health/health.controller.ts',
]

/** Files of a project with Jest, Mocha or Vitest, which the install tests make, compile and run. */
const ofAProject = /from '(?:mocha|vitest|@nestjs\/|\.\/(?!miniprogram\/))/

/** The install tests do what it says. */
const DOCKERFILE = 'examples/docker/Dockerfile'

/** Commands of other programs, as the install tests run them for a program of theirs. */
const OF_OTHERS = [
  /^npm ci --omit=dev --os=linux --cpu=(?:x64|arm64) --libc=(?:glibc|musl)$/,
  /^npx esbuild server\.js --bundle --platform=node --outfile=dist\/server\.cjs$/,
  /^cp node_modules\/wxacode-linux-x64-gnu\/wxacode\.linux-x64-gnu\.node dist\/$/,
  /^node --build-sea sea\.json$/,
  /^docker build /,
]

/** A file of the examples, which is JavaScript. */
const EXAMPLE = './miniprogram/'

/** Of a change, what is there after it. */
const AFTER = {
  more: `console.log((typeof image === 'undefined' ? buffer : image).length > 1000)`,
  check: ({ stdout }) => assert.match(stdout, /true/),
}

/** Each block once: that both languages have the same ones is a test of the pages. */
const BLOCKS = DOCUMENTS.filter((file) => !isChinese(file)).flatMap((file) =>
  blocksOf(file).map((block) => ({ ...block, title: `${file}:${block.line}` })),
)
const onlyOnce = (blocks) => blocks.filter(({ code }, n) => blocks.findIndex((other) => other.code === code) === n)

suite(
  'blocks of documents',
  (test) => {
    for (const { title, language, code } of onlyOnce(BLOCKS)) {
      if (isCode(language) && ofAProject.test(code)) {
        test(`${title} is a file that is tested`, () => {
          assert.ok(
            OF_PROJECTS.some((file) => bare(text(file)) === bare(code)),
            code,
          )
        })
      } else if (isCode(language)) {
        const outcomes = Object.entries(OUTCOMES).filter(([part]) => code.includes(part))
        test(`${title} (${outcomes[0]?.[0]}) does what the text says`, async (t) => {
          assert.ok(outcomes.length > 0, `nothing is known of what comes of it:\n${code}`)
          await ran(t, code, outcomes[0][1])
        })
      } else if (language === 'diff') {
        test(`${title}, after the change, gives a picture`, (t) => ran(t, after(code), AFTER))
      } else if (language === 'sh' || language === 'bash') {
        test(`${title} names commands that exist`, () => code.trim().split('\n').forEach(isThere))
      } else if (language === 'dockerfile') {
        test(`${title} is a file that is tested`, () =>
          assert.equal(withoutHashes(code), withoutHashes(text(DOCKERFILE))))
      } else {
        test(`${title} is in a language that is known`, () =>
          assert.ok(['', 'console', 'mermaid'].includes(language), language))
      }
    }

    for (const file of [...OF_PROJECTS, '__test__/install/node/codes.test.js']) {
      test(`${file} is in a document`, () => {
        assert.ok(BLOCKS.some(({ code }) => bare(code) === bare(text(file))))
      })
    }

    for (const file of DOCUMENTS.filter((one) => sessionsOf(one).length > 0)) {
      test(
        `${file} shows what the commands print`,
        sessionsOf(file).some(({ code }) => code.includes('redis://')) ? needsRedis : {},
        async () => {
          for (const { line, commands } of await play(file)) {
            for (const command of commands) {
              if (isShown(command)) continue
              assert.equal(
                command.shown.join('\n'),
                command.printed.join('\n'),
                `${file}:${line}: $ ${command.command}: npm run docs:console`,
              )
            }
          }
        },
      )
    }

    for (const file of DOCUMENTS) {
      for (const { line, code } of redBlocksOf(file)) {
        test(`${file}:${line} shows the red lines of doctor`, needsRedis, async () => {
          const lines = await redLines(isChinese(file) ? 'zh' : 'en')
          assert.equal(code, `${lines.join('\n')}\n`, 'npm run docs:console')
        })
      }
    }

    test('the pictures are of what there is', async () => {
      for (const [file, wanted] of await pictures()) {
        assert.equal(text(file), wanted, `${file}: npm run docs:pictures`)
        assert.ok(wanted.length < 60_000, `${file} has ${wanted.length} bytes`)
      }
    })

    for (const compiler of COMPILERS) {
      test(`all compile under strict, with ${compiler}`, (t) => compiled(t, compiler))
    }
  },
  { concurrency: 2 },
)

/** Without comments, which each language has its own of. */
const bare = (code) => code.replace(/^\s*\/\*\*?.*?\*\/\n/gms, '').replace(/(^|\s)\/\/.*$/gm, '')

const withoutHashes = (code) => code.replace(/^#.*\n/gm, '')

const after = (diff) =>
  diff
    .split('\n')
    .filter((line) => line.startsWith('+'))
    .map((line) => line.slice(2))
    .join('\n')

/** That all blocks are TypeScript too, each as a module of its own. */
async function compiled(t, compiler) {
  const folder = folderFor(t)
  for (const file of DOCUMENTS) {
    for (const [n, { language, code }] of blocksOf(file).entries()) {
      const name = `${file.replaceAll('/', '-')}-${n + 1}`
      if (isCode(language) && !ofAProject.test(code) && !code.includes(EXAMPLE))
        writeFileSync(join(folder, `${name}.mts`), `${code}\nexport {}\n`)
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
  const include = ['.', fileURLToPath(new URL('surroundings.d.ts', import.meta.url))]
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
  const tsc = join(ROOT, 'node_modules', compiler, 'bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', folder]).catch((error) => error)
  assert.equal(stdout, '')
}

/** Runs a block in a folder of its own, and then looks at what it has left. */
async function ran(t, code, { more = '', check }) {
  const ofPlatform = { appid: newAppid(), pushUrl: 'http://127.0.0.1:1/' }
  const { options, fake } = await setup(t, {
    app: { pages: ['pages/index/index', 'pages/shop'] },
    platforms: [ofPlatform],
    shape: code.includes('wxacode-image') ? 'round' : undefined,
  })
  const folder = folderFor(t)
  const here = code.replace(EXAMPLE, new URL('../../examples/miniprogram/', import.meta.url).href)
  const { outputText } = ts.transpileModule(here, { compilerOptions: { module: 'esnext', target: 'es2022' } })
  writeFileSync(join(folder, 'block.mjs'), `${outputText}\n${more}\nconsole.log('the end;')\n`)
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    WXACODE_APPID: options.appid,
    WXACODE_SECRET: options.secret,
    // No server runs there: the test reads the spans before they are sent.
    SENTRY_DSN: 'http://key@127.0.0.1:1/1',
    TEST_GIVEN: JSON.stringify({
      ...options,
      baseUrl: await withPhoneNumbers(t, fake.url),
      ofPlatform: fake.platforms[0],
      pushed: /\bplatform\./.test(code) ? await pushed(fake) : undefined,
    }),
  }
  writeFileSync(join(folder, 'logo.png'), LOGO)
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
    (code.includes('.listen(') && !output.stdout.includes('listening on')) ||
    (code.includes("'node:test'") && !/^(?:#|ℹ) fail /m.test(output.stdout))
  ) {
    const ended = await Promise.race([once(child.stdout, 'data').then(() => false), once(child, 'close')])
    assert.ok(!ended || output.stdout.includes('the end;'), `it ended early: ${output.stderr}`)
  }
  const port = /listening on (\d+);/.exec(output.stdout)?.[1]
  await check({
    ...output,
    output,
    fake,
    push: async (path) => {
      ofPlatform.pushUrl = `http://127.0.0.1:${port}${path}`
      const { status, answer } = await fake.pushTicket()
      return [status, answer]
    },
    file: (name) => readFileSync(join(folder, name)),
    files: (name) => readdirSync(join(folder, name)),
    get: async (path) => Buffer.from(await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer()),
  })
}

/** A ticket as WeChat pushes it, for a platform without a server. */
async function pushed(fake) {
  await assert.rejects(fake.pushTicket())
  const { url, body } = fake.pushes.at(-1)
  return { query: Object.fromEntries(new URL(url).searchParams), body }
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

/** That a line of a shell names what there is: a script, a package, a command of the command line. */
function isThere(line) {
  const { scripts } = JSON.parse(text('package.json'))
  const command = line.split('#')[0].trim()
  if (/^export(?: \w+=\S+)+$/.test(command)) return
  if (OF_OTHERS.some((known) => known.test(command))) return
  const [, ours] = /^(?:npx )?wxacode(?:-cli)? ([a-z]+)\b/.exec(command) ?? []
  if (/^(?:npx )?wxacode-fake\b/.test(command)) return
  const script = /^npm (?:run )?([\w:]+)$/.exec(command)?.[1]
  const installed = /^npm install (?:--global |-g |--save-dev |-D )?((?:[\w-]+ ?)+)$/.exec(command)?.[1]
  if (installed) {
    for (const name of installed.trim().split(' ')) {
      assert.equal(JSON.parse(text(join('node_modules', name, 'package.json'))).name, name)
    }
  } else if (ours) assert.ok(CLI_COMMANDS.includes(ours), `${command} is unknown`)
  else assert.ok(script in scripts, `${command} is unknown`)
}
