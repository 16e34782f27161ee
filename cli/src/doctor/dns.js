import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { EXIT } from '../exit-codes.js'
import { bad, good, skipped } from './finding.js'

/** @import { Connection } from './context.js' */

/**
 * Whether WeChat's host has an address.
 *
 * @param {Connection} context
 */
export async function dns({ url: { hostname }, proxy }) {
  if (isIP(hostname.replace(/[[\]]/g, '')))
    return skipped({ zh: `${hostname} 已是 IP 地址，无需解析`, en: `${hostname} is an address` })
  if (proxy) return skipped({ zh: '由代理解析', en: 'the proxy looks names up' })
  try {
    const addresses = (await lookup(hostname, { all: true })).map(({ address }) => address)
    const said = `${hostname} → ${addresses.join(', ')}`
    return good({ zh: said, en: said })
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    return bad(
      { zh: `无法解析 ${hostname}（${code}）`, en: `${hostname} has no address (${code})` },
      {
        zh: '检查 DNS 设置与网络；容器里看 /etc/resolv.conf，只能经代理出网时加 --proxy',
        en: 'Look at DNS and the network: /etc/resolv.conf in a container; --proxy where only a proxy leads out',
      },
      EXIT.network,
    )
  }
}
