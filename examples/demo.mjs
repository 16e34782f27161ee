// One code of each kind through the public API, written to demo-codes/, and one refusal with its explanation.
// Talks to an embedded fake WeChat; with WXACODE_APPID and WXACODE_SECRET set, to the real one.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageType, WxaCode, WxaCodeError } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

const { WXACODE_APPID: appid, WXACODE_SECRET: secret } = process.env
const fake = appid && secret ? undefined : await startFakeWeChat()
const wxa = fake ? new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url }) : WxaCode.fromEnv()
console.log(fake ? `An embedded WeChat listens on ${fake.url}` : 'Talking to the real WeChat')

const folder = 'demo-codes'
await mkdir(folder, { recursive: true })

await show('getUnlimitedQRCode', () =>
  wxa.getUnlimitedQRCode({ scene: 'id=42&from=demo', page: 'pages/index/index', checkPath: false }),
)
await show('getQRCode', () =>
  wxa.getQRCode({ path: 'pages/index/index?id=42', isHyaline: true, lineColor: { r: 0, g: 100, b: 0 } }),
)
await show('createQRCode', () => wxa.createQRCode({ path: 'pages/index/index?id=42', width: 280 }))

console.log('\nAnd what a mistake looks like, before anything is sent:')
await show('getUnlimitedQRCode', () => wxa.getUnlimitedQRCode({ scene: 'id=商品42' }))

const { requests, images, refreshes } = wxa.stats()
console.log(`\n${requests} requests, ${images} pictures, ${refreshes} access token. The pictures are in ${folder}/`)

await wxa.close()
await fake?.close()
if (images < 3) process.exitCode = 1

/**
 * @param {string} name
 * @param {() => Promise<Buffer>} fetchCode
 */
async function show(name, fetchCode) {
  const start = performance.now()
  try {
    const image = await fetchCode()
    const type = imageType(image)
    const file = join(folder, `${name}.${type === 'image/png' ? 'png' : 'jpg'}`)
    await writeFile(file, image)
    console.log(`  ${name}: ${type}, ${image.length} bytes, ${Math.round(performance.now() - start)} ms -> ${file}`)
  } catch (error) {
    if (!(error instanceof WxaCodeError)) throw error
    console.log(`  ${error.name} ${error.message}`)
    console.log(`  原因：${error.explanation?.cause.zh}\n  处理：${error.explanation?.fix.zh}`)
  }
}
