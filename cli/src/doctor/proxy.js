import { BlockList, isIP } from 'node:net'
import { unescape as decoded } from 'node:querystring'

/**
 * The proxy that the client goes through, read as the client reads it; it has found the option good.
 *
 * @param {URL} url of WeChat's host
 * @param {string | undefined} choice the option
 * @param {NodeJS.ProcessEnv} env
 * @returns {URL | undefined}
 */
export function proxyFor(url, choice, env) {
  if (choice !== 'env') return choice === undefined ? undefined : readProxy(choice)
  const found = env.HTTPS_PROXY ?? env.https_proxy
  if (!found || url.protocol === 'http:') return undefined
  return isExempt(url, env.NO_PROXY ?? env.no_proxy ?? '') ? undefined : readProxy(found)
}

/**
 * A variable may leave the scheme out, and a login may hold a backslash, as that of a Windows domain does.
 *
 * @param {string} text
 * @returns {URL | undefined} undefined where only the client knows what is meant
 */
function readProxy(text) {
  const whole = text.includes('://') ? text : `http://${text}`
  const login = whole.lastIndexOf('@')
  const url = whole.slice(0, login + 1).replaceAll('\\', '%5C') + whole.slice(login + 1)
  return URL.canParse(url) ? new URL(url) : undefined
}

/**
 * What a proxy wants to see of a login.
 *
 * @param {URL} proxy
 * @returns {Record<string, string>} headers
 */
export function loginOf({ username, password }) {
  if (!username && !password) return {}
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')
  return { 'Proxy-Authorization': `Basic ${login}` }
}

/**
 * Whether `NO_PROXY` names a host: itself, a domain above it, its address or its network, with or without a port, or `*`
 * for all.
 *
 * @param {URL} url
 * @param {string} list
 */
function isExempt(url, list) {
  const host = withoutBrackets(url.hostname).toLowerCase()
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true
    const [, name, at = port] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [entry, entry]
    return (
      at === port &&
      isNamed(
        host,
        withoutBrackets(name)
          .toLowerCase()
          .replace(/^\*?\./, ''),
      )
    )
  })
}

/**
 * @param {string} host
 * @param {string} entry
 */
function isNamed(host, entry) {
  const family = isIP(host)
  if (family !== 0) return isInside(host, family === 6 ? 'ipv6' : 'ipv4', entry)
  return entry !== '' && `.${host}`.endsWith(`.${entry}`)
}

/** @param {string} host */
const withoutBrackets = (host) => host.replace(/^\[|\]$/g, '')

/**
 * @param {string} address
 * @param {'ipv4' | 'ipv6'} family
 * @param {string} network an address, or one with the length of its prefix
 */
function isInside(address, family, network) {
  const [base, prefix = family === 'ipv4' ? '32' : '128'] = network.split('/')
  if (isIP(base) !== isIP(address) || !/^\d{1,3}$/.test(prefix)) return false
  if (Number(prefix) > (family === 'ipv4' ? 32 : 128)) return false
  const networks = new BlockList()
  networks.addSubnet(base, Number(prefix), family)
  return networks.check(address, family)
}
