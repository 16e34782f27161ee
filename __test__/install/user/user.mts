import DefaultWxaCode, {
  type Explanation,
  explain,
  InvalidParamsError,
  imageType,
  type UnlimitedQRCodeParams,
  WeChatAPIError,
  WxaCode,
  WxaCodeError,
} from 'wxacode'
import { codeHandler as forExpress } from 'wxacode/express'
import { codeHandler as forFastify } from 'wxacode/fastify'
import { codeHandler as forKoa } from 'wxacode/koa'
import { codeHandler as forWeb } from 'wxacode/web'

if (DefaultWxaCode !== WxaCode) throw new Error('the default export is another class')

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl } = process.env
const wxa = new WxaCode({ appid, secret, baseUrl })
const params: UnlimitedQRCodeParams = { scene: 'id=42', page: 'pages/index/index' }

const image: Buffer = await wxa.getUnlimitedQRCode(params)
const refused = await wxa.getUnlimitedQRCode({ scene: '中' }).catch((error: unknown) => {
  if (!(error instanceof InvalidParamsError && error instanceof WxaCodeError)) throw error
  return [error.name, error.param, error.errcode]
})
const answered = await wxa.getUnlimitedQRCode({ ...params, page: 'pages/nowhere' }).catch((error: unknown) => {
  if (!(error instanceof WeChatAPIError && error instanceof WxaCodeError && error.code === 'ERR_WXA_API')) throw error
  return [error.name, error.errcode]
})
const explanation: Explanation | undefined = explain(40159, 'createQRCode')
if (!explanation?.fix.zh) throw new Error('40159 is not explained')

const toCode = () => params
for (const adapter of [forExpress(wxa, toCode), forFastify(wxa, toCode), forKoa(wxa, toCode)]) {
  if (typeof adapter !== 'function') throw new Error('an adapter is no function')
}
const { status } = await forWeb(wxa, toCode)(new Request('http://127.0.0.1/'))

console.log(JSON.stringify({ image: image.toString('base64'), type: imageType(image), refused, answered, status }))
