import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'

async function main() {
  const wxa = WxaCode.fromEnv()
  const image = await wxa.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/index/index' })
  // A refusal of the client, answered by an adapter: both have to know the same class of errors.
  const answer = codeHandler(wxa, () => ({ scene: '中文' }))
  const { status } = await answer(new Request('http://shop/code/42'))
  console.log(JSON.stringify({ image: image.toString('base64'), status }))
}

main()
