import wxacode = require('wxacode')
import express = require('wxacode/express')
import fastify = require('wxacode/fastify')
import koa = require('wxacode/koa')
import web = require('wxacode/web')

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl } = process.env
const wxa = new wxacode({ appid, secret, baseUrl })
const params: wxacode.UnlimitedQRCodeParams = { scene: 'id=42', page: 'pages/index/index' }
const toCode = () => params

if (wxacode !== wxacode.WxaCode) throw new Error('the class is not what require() gives')

async function main() {
  const image: Buffer = await wxa.getUnlimitedQRCode(params)
  const refused = await wxa.getUnlimitedQRCode({ scene: '中' }).catch((error: unknown) => {
    if (!(error instanceof wxacode.InvalidParamsError)) throw error
    return [error.name, error.param, error.errcode]
  })
  const answered = await wxa.getUnlimitedQRCode({ ...params, page: 'pages/nowhere' }).catch((error: unknown) => {
    if (!(error instanceof wxacode.WeChatAPIError)) throw error
    return [error.name, error.errcode]
  })
  const adapters = [express.codeHandler(wxa, toCode), fastify.codeHandler(wxa, toCode), koa.codeHandler(wxa, toCode)]
  for (const adapter of adapters) if (typeof adapter !== 'function') throw new Error('an adapter is no function')
  const { status } = await web.codeHandler(wxa, toCode)(new Request('http://127.0.0.1/'))
  const type = wxacode.imageType(image)
  console.log(JSON.stringify({ image: image.toString('base64'), type, refused, answered, status }))
}

main()
