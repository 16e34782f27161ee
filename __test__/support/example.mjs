import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** An example as its `npm start` starts it, on a free port, once it has said where it listens. */
export async function startExample(t, name, env) {
  const { scripts } = JSON.parse(readFileSync(`${EXAMPLES}${name}/package.json`, 'utf8'))
  const [, ...args] = scripts.start.split('&&').at(-1).trim().split(' ')
  const { NODE_TEST_CONTEXT, WXACODE_APPID, WXACODE_SECRET, WXACODE_BASE_URL, ...own } = process.env
  const child = spawn(process.execPath, args, { cwd: EXAMPLES + name, env: { ...own, ...env, PORT: '0' } })
  t.after(() => child.kill('SIGKILL'))
  let [said, stderr] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const ended = once(child, 'close')
  let url
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text
    url = /^(http:\/\/.*)\/code\/bund$/m.exec(said)?.[1]
    if (url) break
  }
  assert.ok(url, `it did not start: ${said}${stderr}`)
  child.stdout.resume()
  const stop = async () => {
    child.kill('SIGTERM')
    const [code, signal] = await ended
    return { end: code ?? signal, stderr }
  }
  return { url, stop }
}
