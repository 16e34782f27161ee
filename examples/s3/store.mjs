// Loaded before the example by `npm start`: where the environment names no store, one of this process, in a folder for a day.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

if (!process.env.S3_ENDPOINT) {
  const { default: S3rver } = await import('s3rver')
  const directory = await mkdtemp(join(tmpdir(), 'wxacode-s3-'))
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'codes' }],
  })
  const { port } = await server.run()
  const login = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' }
  Object.assign(process.env, { S3_ENDPOINT: `http://127.0.0.1:${port}`, S3_BUCKET: 'codes', ...login })
  process.once('beforeExit', () => server.close())
  console.log(`no S3_ENDPOINT: pictures go into ${directory}`)
}
