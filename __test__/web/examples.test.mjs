import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newDirectory } from '../support/code-files.mjs'
import { decode } from '../support/decode.mjs'
import { EXAMPLES, startExample } from '../support/example.mjs'
import { checkText, setup, suite } from '../support/suite.mjs'

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const CHINESE = ['-H', 'Accept-Language: zh-CN']

before(() => execFileSync(process.execPath, [TSC, '--project', `${EXAMPLES}nest`]))

suite(
  'an example',
  (test) => {
    for (const name of ['express', 'koa', 'fastify', 'hono', 'nest']) {
      test(`for ${name} answers with codes and problems, and stops on SIGTERM`, async (t) => {
        const here = await setup(t)
        const example = await started(t, name, environmentOf(here.options))

        const code = await example.curl('/code/bund?from=poster')
        assert.equal(code.status, 200)
        const { type, asked } = decode(code.body)
        assert.deepEqual(
          [code.headers['content-type'], asked.scene, asked.page],
          [type, 'shop=bund&from=poster', 'pages/index/index'],
        )

        const again = await example.curl('/code/bund?from=poster', '-H', `If-None-Match: ${code.headers.etag}`)
        assert.deepEqual([again.status, again.body.length], [304, 0])
        const head = await example.curl('/code/bund?from=poster', '--head')
        assert.deepEqual([head.status, head.headers['content-type']], [200, 'image/jpeg'])
        for (const unknown of ['/code/nowhere', '/code/bund?from=%E4%B8%AD']) {
          const refused = await example.curl(unknown, ...CHINESE)
          assert.deepEqual([refused.status, refused.headers['content-type']], [404, 'application/problem+json'])
          assert.match(refused.headers['content-language'], /^zh/)
        }
        assert.equal(here.fake.count('codes'), 1)

        here.fake.fail(41030)
        const answered = await example.curl('/code/xuhui')
        assert.deepEqual([answered.status, answered.problem.errcode], [502, 41030])

        if (name === 'nest') {
          const { status, body } = await example.curl('/health')
          assert.deepEqual([status, JSON.parse(body).info.wxacode.status], [200, 'up'])
        }

        const { end, stderr } = await example.stop()
        assert.equal(end, endOf(name), stderr)
        assert.match(stderr, /502 .*41030/)
        checkText(stderr, here.secrets())
      })

      test(`for ${name} runs without an account`, async (t) => {
        const example = await started(t, name)
        const { status, body } = await example.curl('/code/xuhui')
        assert.equal(status, 200)
        assert.equal(decode(body).asked.scene, 'shop=xuhui&from=web')
        assert.equal((await example.stop()).end, endOf(name))
      })
    }

    test('for express has its codes after a restart, if it has a directory', async (t) => {
      const { fake, options } = await setup(t)
      const env = { ...environmentOf(options), CODES_DIRECTORY: newDirectory(t) }
      for (let n = 0; n < 2; n++) {
        const example = await started(t, 'express', env)
        assert.equal((await example.curl('/code/bund')).status, 200)
        assert.equal((await example.stop()).end, 0)
      }
      assert.equal(fake.count('codes'), 1)
    })
  },
  { concurrency: 2 },
)

const environmentOf = ({ appid, secret, baseUrl }) => ({
  WXACODE_APPID: appid,
  WXACODE_SECRET: secret,
  WXACODE_BASE_URL: baseUrl,
})

/** Nest sends the signal to itself again when all is closed. */
const endOf = (name) => (name === 'nest' ? 'SIGTERM' : 0)

async function started(t, name, env = {}) {
  const { url, stop } = await startExample(t, name, env)
  return { stop, curl: (path, ...flags) => curl(url + path, flags) }
}

/** What curl gets: the last line of its standard error is the status and the headers in JSON. */
async function curl(url, flags) {
  const format = '%{stderr}{"status":%{http_code},"headers":%{header_json}}'
  const args = ['--silent', '--output', '-', '--write-out', format, ...flags, url]
  const { stdout, stderr } = await promisify(execFile)('curl', args, { encoding: 'buffer', maxBuffer: 2 ** 24 })
  const { status, headers } = JSON.parse(stderr.toString())
  const first = Object.fromEntries(Object.entries(headers).map(([name, [value]]) => [name, value]))
  const isProblem = first['content-type'] === 'application/problem+json' && stdout.length > 0
  return { status, headers: first, body: stdout, problem: isProblem ? JSON.parse(stdout) : undefined }
}
