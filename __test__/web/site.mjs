import { request } from 'node:http'
import { checkText, setup } from '../support/suite.mjs'
import { frameworks } from './frameworks.mjs'

/** What a site makes of `/code?scene=...`, unless a test says otherwise. */
const byScene = (query) => ({ scene: query.get('scene') ?? 'a', page: 'pages/index/index' })

/**
 * A web site by one of the frameworks that answers with codes of a fake WeChat. `toCode` is given the query of a request.
 * `failures` is what the log has heard, `thrown` what the framework has.
 */
export async function site(t, name, { toCode = byScene, options, fake, client } = {}) {
  const here = await setup(t, fake, client)
  const { codeHandler, listen } = frameworks[name]
  const [failures, thrown] = [[], []]
  const onError = (error, note) => failures.push({ error, ...note })
  const toCodeOf = (req) => toCode(new URL(req.url, 'http://here').searchParams, req)
  const server = await listen(codeHandler(here.wxa, toCodeOf, { onError, ...options }), (error) => thrown.push(error))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${server.address().port}`

  /** An answer to one request, in which no secret may be. */
  async function ask(path = '/code', how) {
    const answer = await asked(url + path, how)
    checkText(JSON.stringify(answer.headers) + answer.body.toString('latin1'), here.secrets())
    return answer
  }
  return { ...here, server, url, failures, thrown, ask, codes: () => here.fake.count('codes') }
}

/** One request over a connection of its own, and the whole answer to it. */
export function asked(url, { method = 'GET', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (res) => {
      const parts = []
      res.on('data', (part) => parts.push(part))
      res.on('error', reject)
      res.on('end', () => {
        const body = Buffer.concat(parts)
        const isProblem = res.headers['content-type'] === 'application/problem+json' && body.length > 0
        const problem = isProblem ? JSON.parse(body) : undefined
        resolve({ status: res.statusCode, headers: res.headers, body, problem })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}
