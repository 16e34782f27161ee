import selfsigned from 'selfsigned'

const name = (value) => [{ name: 'commonName', value }]

const altName = (host) => (/^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host })
const HERE = ['localhost', '127.0.0.1']

/** A root that no system trusts, and a server's certificate signed by it, for these hosts: `{ ca, key, cert }` in PEM. */
export async function certificates({ hosts = HERE } = {}) {
  const root = await selfsigned.generate(name('A root of the tests'), {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const server = await selfsigned.generate(name('localhost'), {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: root.private, cert: root.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: hosts.map(altName) },
    ],
  })
  return { ca: root.cert, key: server.private, cert: server.cert }
}

/**
 * One that has signed itself and is a server's own, as `openssl req -x509` makes it: an authority too, for a year from now,
 * and for this machine. `{ key, cert }` in PEM.
 */
export async function ownCertificate({ hosts = HERE, isAuthority = true, from, to } = {}) {
  const { private: key, cert } = await selfsigned.generate(name('localhost'), {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: to,
    extensions: [
      { name: 'basicConstraints', cA: isAuthority, critical: true },
      ...(hosts.length > 0 ? [{ name: 'subjectAltName', altNames: hosts.map(altName) }] : []),
    ],
  })
  return { key, cert }
}
