'use strict'

const { BlockList } = require('node:net')

/**
 * Entries are single addresses, `a.b.c.*` or CIDR:
 * https://developers.weixin.qq.com/doc/oplatform/developers/basic_func/ip_whitelist
 * @param {string[]} [entries]
 * @returns {(ip: string) => boolean} whether an address is listed
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

module.exports = { createWhitelist }
