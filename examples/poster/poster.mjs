// A poster for each shop, of the size of A6 at 300 dots per inch: its code with the logo in the middle, its name and a line of text.

import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { WxaCode } from 'wxacode'
import { centerLogo, ImageError, poster } from 'wxacode-image'
import { close } from './fake.mjs'

const [LOGO, HILLS] = ['logo.svg', 'hills.svg'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
const [WIDTH, CODE, PLATE] = [1240, 640, 720]
const { OUT = 'posters' } = process.env

/** The rows of your database. */
const SHOPS = [
  { id: 'bund', name: '外滩店', line: '扫码点单，第二杯半价' },
  { id: 'xuhui', name: '徐汇店', line: '扫码点单，第二杯半价' },
  { id: 'pudong', name: '浦东店', line: '新店开业，满 30 减 10' },
]

const wxa = WxaCode.fromEnv()
await mkdir(OUT, { recursive: true })
let written = 0
for await (const { job, image, error } of wxa.batch(SHOPS.map(codeOf))) {
  try {
    if (error) throw error
    await writeFile(`${OUT}/${job.meta.id}.png`, await posterOf(job.meta, image))
    written += 1
  } catch (failure) {
    process.exitCode = 1
    console.error(`${job.meta.id}: ${failure instanceof ImageError ? `${failure.code} ` : ''}${failure.message}`)
  }
}
await wxa.close()
await close()
console.log(`${written} posters in ${OUT}`)

/** A code as wide as it is on the poster: its lines stay sharp. */
function codeOf(shop) {
  return {
    kind: 'unlimited',
    scene: `shop=${shop.id}`,
    page: 'pages/index/index',
    width: CODE,
    isHyaline: true,
    meta: shop,
  }
}

/** The code stands on a white plate: scanners need lines that are darker than what is behind them. */
async function posterOf({ name, line }, image) {
  const plate = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${PLATE}" height="${PLATE}"><rect width="100%" height="100%" fill="#fff"/></svg>`,
  )
  const text = { left: 80, width: WIDTH - 160, align: 'center', color: '#fff' }
  return poster({
    background: HILLS,
    layers: [
      { text: name, size: 110, top: 180, ...text },
      { text: line, size: 54, top: 380, ...text },
      { picture: plate, left: (WIDTH - PLATE) / 2, top: 860, radius: 48 },
      { code: await centerLogo(image, LOGO), left: (WIDTH - CODE) / 2, top: 900 },
    ],
  })
}
