'use strict'

const { randomBytes } = require('node:crypto')
const { createFifoCache } = require('./fifo-cache.js')

/** @import { LinkInfo, LinkKind } from './types.js' */

// As many as an app may make in a few hours; a fake that runs for weeks must not fill the memory.
const KEEP = 100_000
const TITLE_LENGTH = 20

/** @type {Record<LinkKind, string>} */
const PREFIXES = { scheme: 'weixin://dl/business/?t=', urlLink: 'https://wxaurl.cn/' }

/** The schemes and URL links that an app has made, for the queries. */
function createLinks() {
  /** @type {ReturnType<typeof createFifoCache<LinkInfo>>} */
  const links = createFifoCache(KEEP)
  return {
    /**
     * @param {LinkKind} kind
     * @param {LinkInfo} info
     * @returns {string} the link
     */
    make(kind, info) {
      const link = PREFIXES[kind] + newLinkName(8)
      links.set(link, info)
      return link
    },
    /**
     * @param {LinkKind} kind
     * @param {string} link
     */
    find: (kind, link) => (link.startsWith(PREFIXES[kind]) ? links.get(link) : undefined),
  }
}

/**
 * https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/shortlink.html
 * @param {string} appid where WeChat has the name of the app
 * @param {string} title
 */
function shortLink(appid, title) {
  const characters = [...title]
  const cut = characters.length > TITLE_LENGTH ? `${characters.slice(0, TITLE_LENGTH).join('')}...` : title
  return ['#小程序:/', appid, ...(cut ? [cut] : []), newLinkName(11)].join('/')
}

/**
 * The end of a link: in WeChat's samples 11 letters and digits, 15 in a short link.
 * @param {number} bytes
 */
const newLinkName = (bytes) => randomBytes(bytes).toString('base64url').replaceAll(/[-_]/g, 'x')

module.exports = { createLinks, shortLink }
