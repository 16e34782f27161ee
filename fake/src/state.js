'use strict'

const { BlockList } = require('node:net')
const { createAccount } = require('./apps.js')
const { createRids } = require('./rids.js')

/** @import { Clock, FakeOptions } from '../index.js' */
/** @import { ServerState } from './types.js' */

/** How much is remembered of the past unless `keepRequests` says otherwise. */
const KEEP_REQUESTS = 10_000

/**
 * @param {FakeOptions} options
 * @param {Clock} clock
 * @returns {ServerState}
 */
function createState(options, clock) {
  const apps = options.apps ?? [{}]
  if (apps.length === 0) throw new TypeError('apps: at least one app is needed')
  return {
    clock,
    accounts: apps.map((app) => createAccount(app, clock, options)),
    isListed: createWhitelist(options.ipWhitelist),
    rids: createRids(clock, options.keepRequests ?? KEEP_REQUESTS),
  }
}

/**
 * Entries are single addresses, `a.b.c.*` or CIDR:
 * https://developers.weixin.qq.com/doc/oplatform/developers/basic_func/ip_whitelist
 * @param {string[]} [entries]
 * @returns {ServerState['isListed']}
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

module.exports = { KEEP_REQUESTS, createState }
