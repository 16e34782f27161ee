import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commentIn } from '../../__test__/support/comment.mjs'
import { start } from './helpers.mjs'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const CLI = fileURLToPath(new URL('../cli.js', import.meta.url))

function run(...args) {
  const child = spawn(process.execPath, [CLI, ...args])
  const output = { out: '', err: '' }
  child.stdout.on('data', (text) => (output.out += text))
  child.stderr.on('data', (text) => (output.err += text))
  return { child, output, closed: once(child, 'close').then(([code]) => ({ code, ...output })) }
}

test('--help and --version', async () => {
  const help = await run('--help').closed
  assert.equal(help.code, 0)
  for (const flag of ['--port', '--appid', '--secret', '--page', '--latency', '--shape'])
    assert.ok(help.out.includes(flag))
  assert.deepEqual(await run('-v').closed, { code: 0, out: `${version}\n`, err: '' })
})

test('mistakes get a message, not a stack', async (t) => {
  const { fake } = await start(t)
  const { port } = new URL(fake.url)
  const cases = [
    [['--prot', '1'], /--prot/],
    [['stray'], /stray/],
    [['--port', '99999'], /--port takes a whole number from 0 to 65535, not '99999'/],
    [['--latency', 'slow'], /--latency takes a whole number/],
    [['--shape', 'oval'], /--shape takes square or round, not 'oval'/],
    [['--port', port], new RegExp(`port ${port} is taken`)],
  ]
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, out, err } = await run(...args).closed
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(err, message)
      assert.doesNotMatch(err, /\n\s+at /)
    }),
  )
})

test('serves with the settings that it prints, until Ctrl-C', async () => {
  const { child, output, closed } = run(
    '--appid',
    'wxffffffffffffffff',
    '--secret',
    'hush',
    '--page',
    'a',
    '--page',
    'b/c',
    '--shape',
    'round',
  )
  while (!output.out.includes('Ctrl-C')) await once(child.stdout, 'data')
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output.out)
  assert.ok(output.out.includes(`baseUrl: '${url}'`))
  const search = 'grant_type=client_credential&appid=wxffffffffffffffff&secret=hush'
  const { access_token: token } = await (await fetch(`${url}/cgi-bin/token?${search}`)).json()
  const code = (page) =>
    fetch(`${url}/wxa/getwxacodeunlimit?access_token=${token}`, {
      method: 'POST',
      body: JSON.stringify({ scene: 's', page }),
    })
  const picture = await code('b/c')
  assert.equal(picture.headers.get('content-type'), 'image/jpeg')
  assert.match(commentIn(Buffer.from(await picture.arrayBuffer())), /"page":"b\/c"/)
  assert.equal((await (await code('pages/index/index')).json()).errcode, 41030)
  child.kill('SIGINT')
  assert.deepEqual(await closed, { code: 0, out: output.out, err: '' })
})
