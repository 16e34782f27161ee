import { EXIT } from '../exit-codes.js'
import { quoted } from '../printable.js'
import { openTls } from './connection.js'
import { bad, good, skipped } from './finding.js'

/** @import { TLSSocket } from 'node:tls' */
/** @import { Text } from '../language.js' */
/** @import { Connection } from './context.js' */

const DAY_MS = 86_400_000

/** @type {Record<string, Text>} */
const FIXES = {
  CERT_HAS_EXPIRED: {
    zh: '看本机时钟是否正确；如果正确，响应的就不是微信',
    en: "Look at this machine's clock; if it is right, another server responds instead of WeChat",
  },
  CERT_NOT_YET_VALID: { zh: '本机时钟慢了：同步时间', en: "This machine's clock is behind: set it" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    zh: '响应的不是微信：检查 DNS、hosts 文件与代理',
    en: 'Another server responds instead of WeChat: check DNS, the hosts file and the proxy',
  },
}

/** @type {Text} */
const UNKNOWN_ROOT = {
  zh: '若公司代理会解开 TLS，用 --ca 加入它的根证书；精简镜像里安装 ca-certificates',
  en: 'Where a proxy of the company opens TLS, give its root by --ca; in a slim image, install ca-certificates',
}

/**
 * Whether who answers for WeChat's host is WeChat. What the system trusts Node does not know, but the client does: a
 * certificate is bad only if the client finds so too.
 *
 * @param {Connection} context
 */
export async function tls(context) {
  if (context.isPlainHttp) return skipped({ zh: '未使用（明文 http）', en: 'plain http' })
  try {
    const socket = await openTls(context)
    const isGood = socket.authorized || (await context.isReached())
    const finding = isGood ? good(told(socket)) : unauthorized(socket)
    socket.destroy()
    return finding
  } catch (error) {
    context.signal.throwIfAborted()
    if (await context.isReached()) return good({ zh: '已连通微信', en: 'the client gets through to WeChat' })
    return unreachable(context, /** @type {NodeJS.ErrnoException} */ (error))
  }
}

/** @param {TLSSocket} socket */
function told(socket) {
  const { subject, issuer, valid_to: end } = socket.getPeerCertificate()
  const days = Math.floor((Date.parse(end) - Date.now()) / DAY_MS)
  // A certificate that Node does not trust.
  const name = socket.authorized ? String : quoted
  const who = `${socket.getProtocol()}, ${name(subject?.CN)}, ${name(issuer?.O ?? issuer?.CN)}`
  return { zh: `${who}，还有 ${days} 天到期`, en: `${who}, ${days} days left` }
}

/** @param {TLSSocket} socket */
function unauthorized(socket) {
  const why = String(socket.authorizationError)
  const said = /^[A-Z_]+$/.test(why) ? why : quoted(why)
  const { issuer } = socket.getPeerCertificate()
  const by = quoted(issuer?.O ?? issuer?.CN)
  return bad(
    {
      zh: `证书不可信：${said}（签发者自称${by}，未经验证）`,
      en: `the certificate is not trusted: ${said} (signed by ${by}, untrusted)`,
    },
    FIXES[why] ?? UNKNOWN_ROOT,
    EXIT.network,
  )
}

/**
 * @param {Connection} context
 * @param {NodeJS.ErrnoException} error
 */
function unreachable({ url: { host }, proxy }, { code, message }) {
  return bad(
    { zh: `无法与 ${host} 建立连接：${code ?? message}`, en: `no connection to ${host}: ${code ?? message}` },
    proxy
      ? { zh: '检查代理的地址、登录信息与它的规则', en: "Look at the proxy's address, its login and its rules" }
      : {
          zh: '检查防火墙与安全组的出站规则；需要代理时加 --proxy',
          en: 'Look at the outbound rules of firewalls and security groups; --proxy where one is needed',
        },
    EXIT.network,
  )
}
