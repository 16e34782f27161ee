import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { manifestOf } from './tarballs.mjs'

/**
 * An npm registry on this machine that has the tarballs of a folder, and for anything else sends to `upstream`, if there is
 * one. `served` is which of them were fetched.
 *
 * @param {string} folder
 * @param {string} [upstream] another registry
 */
export async function startRegistry(folder, upstream) {
  const served = new Set()
  const packages = new Map(readdirSync(folder).map((tarball) => [manifestOf(join(folder, tarball)).name, tarball]))
  const server = createServer((req, res) => {
    const path = decodeURIComponent(req.url.slice(1))
    const tarball = packages.get(path)
    if (tarball) return res.end(JSON.stringify(documentOf(join(folder, tarball), url + tarball)))
    if (![...packages.values()].includes(path)) {
      if (upstream === undefined) return res.writeHead(404).end('{}')
      return res.writeHead(307, { Location: new URL(req.url.slice(1), upstream).href }).end()
    }
    served.add(path)
    res.end(readFileSync(join(folder, path)))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`
  return { url, served, close: () => server.close() }
}

/** What a registry says of a package of which it has one version. */
function documentOf(file, tarball) {
  const manifest = manifestOf(file)
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist: { tarball, integrity } } },
  }
}
