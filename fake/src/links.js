import { randomBytes } from 'node:crypto'

/** @import { LinkInfo } from './types.js' */

const PREFIXES = { scheme: 'weixin://dl/business/?t=', urlLink: 'https://wxaurl.cn/' }

/** The schemes and URL links that an app has made, for the queries. */
export function createLinks() {
  /** @type {Map<string, LinkInfo>} */
  const links = new Map()
  return {
    /**
     * @param {keyof typeof PREFIXES} kind
     * @param {LinkInfo} info
     * @returns {string} the link
     */
    make(kind, info) {
      const link = PREFIXES[kind] + newLinkName()
      links.set(link, info)
      return link
    },
    /**
     * @param {keyof typeof PREFIXES} kind
     * @param {string} link
     */
    find: (kind, link) => (link.startsWith(PREFIXES[kind]) ? links.get(link) : undefined),
  }
}

/** What links end with: eleven letters and digits in WeChat's own samples. */
export const newLinkName = () => randomBytes(8).toString('base64url')
