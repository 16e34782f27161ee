// A process with a server that answers at once: a token, or a small picture. Prints its URL.

import { createServer } from 'node:http'
import { JPEG } from './jpeg.mjs'

const server = createServer((request, answer) => {
  request.resume()
  answer.end(request.url.includes('stable_token') ? '{"access_token":"a-good-token","expires_in":7200}' : JPEG)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
