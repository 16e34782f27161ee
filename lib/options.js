'use strict'

const { invalid } = require('./errors')
const { checked } = require('./shape')

/** What WeChat answers where there is no AppSecret. */
const NO_SECRET = 41004

/**
 * The options of a client: as JSON for the addon, the token function beside them, and the account whose codes they get.
 *
 * @param {unknown} options
 * @returns {{ json: string, appid: string, provider: import('../index').TokenProvider | undefined }}
 */
function checkedOptions(options) {
  const settings = checked('options', options)
  const { token, secret } = settings
  const provider = typeof token === 'function' ? token : undefined
  if (provider) settings.token = undefined
  if (settings.cache === false) settings.cache = undefined
  if (secret === undefined && !provider && token !== 'none') throw noSecret()
  return { json: JSON.stringify(settings), appid: settings.fromAppid ?? settings.appid, provider }
}

const noSecret = () =>
  invalid({
    param: 'secret',
    errcode: NO_SECRET,
    explanation: {
      cause: { zh: '缺少 secret（AppSecret）', en: 'secret (the AppSecret) is missing or empty' },
      fix: {
        zh: '取自环境变量时，很可能是变量没有设置：检查变量名和进程的环境；自有令牌服务请传 token 函数',
        en: 'If it comes from an environment variable, that variable is probably not set: check its name and the environment of the process; for your own token service pass token as a function',
      },
    },
  })

module.exports = { checkedOptions }
