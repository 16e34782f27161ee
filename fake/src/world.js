import { BlockList } from 'node:net'
import { createAccount, DEFAULT_APP } from './apps.js'

/** @import { Clock, FakeOptions } from '../index.js' */
/** @import { World } from './types.js' */

/**
 * @param {FakeOptions} options
 * @param {Clock} clock
 * @returns {World}
 */
export function createWorld(options, clock) {
  const apps = options.apps ?? [{ ...DEFAULT_APP }]
  if (apps.length === 0) throw new TypeError('apps: at least one app is needed')
  return {
    clock,
    accounts: apps.map((app) => createAccount(app, clock, options)),
    isListed: createWhitelist(options.ipWhitelist),
  }
}

/**
 * Entries are single addresses, `a.b.c.*` or CIDR:
 * https://developers.weixin.qq.com/doc/oplatform/developers/basic_func/ip_whitelist
 * @param {string[]} [entries]
 * @returns {World['isListed']}
 */
function createWhitelist(entries) {
  if (entries === undefined) return () => true
  const list = new BlockList()
  for (const entry of entries) {
    const [address, bits = '32'] = entry.replace(/\.\*$/, '.0/24').split('/')
    list.addSubnet(address, Number(bits))
  }
  return (ip) => list.check(ip)
}
