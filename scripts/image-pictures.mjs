// Draws the pictures of docs/en/pictures.md with wxacode-image from round codes of the fake. They are small: few colours.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { centerLogo, flatten, poster } from 'wxacode-image'

const IMAGES = new URL('../docs/images/', import.meta.url)
const ACCOUNT = { appid: 'wx1234567890abcdef', secret: '0123456789abcdef0123456789abcdef' }
const NIGHT = '#1b2838'

/** A tea cup. */
const LOGO = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><rect width="200" height="200" fill="#d9480f"/><g fill="none" stroke="#fff" stroke-width="10" stroke-linecap="round"><path fill="#fff" d="M55 95h80v20a40 40 0 0 1-80 0z"/><path d="M137 102a16 16 0 1 1-6 34M50 168h92M78 72c-8-12 8-16 0-30M104 72c-8-12 8-16 0-30"/></g></svg>`,
)

const WORDS = {
  en: { title: 'West Lake Longjing', text: 'Scan to taste: the second cup at half price', end: '.png' },
  zh: { title: '西湖龙井 明前新茶', text: '扫码品鉴，第二杯半价', end: '.zh-CN.png' },
}

/** @param {string} color @param {number} size */
const square = (color, size) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><rect width="100%" height="100%" fill="${color}"/></svg>`,
  )

const hills = () =>
  Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="800"><rect width="600" height="800" fill="#12664f"/><circle cx="470" cy="300" r="46" fill="#f4d35e"/><path d="M0 380q150-130 300-20t300-60v500H0z" fill="#1d8a6a"/><path d="M0 470q200-90 330 10t270-40v360H0z" fill="#2aa57f"/></svg>',
  )

const fake = await startFakeWeChat({ apps: [ACCOUNT], shape: 'round' })
const wxacode = new WxaCode({ ...ACCOUNT, baseUrl: fake.url })
try {
  mkdirSync(IMAGES, { recursive: true })
  for (const width of [280, 430, 1280]) {
    const code = await wxacode.getUnlimitedQRCode({ scene: 'id=42', width })
    await save(`logo-${width}.png`, await centerLogo(code, LOGO))
  }
  await save('logos.png', await strip())
  for (const language of /** @type {const} */ (['en', 'zh']))
    await save(`poster${WORDS[language].end}`, await page(language))
} finally {
  await fake.close()
}

/** Round, square, transparent on a dark ground, and the same on a plate. */
async function strip() {
  const transparent = { scene: 'id=42', width: 280, isHyaline: true }
  const code = await wxacode.getUnlimitedQRCode({ ...transparent, lineColor: { r: 11, g: 83, b: 69 } })
  const light = await centerLogo(await wxacode.getUnlimitedQRCode(transparent), LOGO)
  return poster({
    background: { color: '#ffffff' },
    width: 1200,
    height: 300,
    layers: [
      { picture: square('#f1f3f5', 280), left: 610, top: 10 },
      { picture: square(NIGHT, 280), left: 910, top: 10 },
      { code: await centerLogo(code, LOGO), left: 10, top: 10 },
      { code: await centerLogo(code, LOGO, { shape: 'square' }), left: 310, top: 10 },
      { code: await centerLogo(code, LOGO, { rim: 8, rimColor: '#0b5345' }), left: 610, top: 10 },
      { code: await flatten(light, { margin: 10 }), left: 930, top: 30, width: 240 },
    ],
  })
}

/** @param {keyof typeof WORDS} language */
async function page(language) {
  const code = await wxacode.getUnlimitedQRCode({ scene: 'tea=7', width: 280, isHyaline: true })
  const font = 'Noto Sans CJK SC'
  return poster({
    background: hills(),
    layers: [
      { picture: square('#ffffff', 320), left: 140, top: 420, radius: 24 },
      { code: await centerLogo(code, LOGO), left: 160, top: 440 },
      {
        text: WORDS[language].title,
        left: 40,
        top: 90,
        width: 520,
        size: 52,
        font: `${font} Bold`,
        align: 'center',
        color: '#fff',
      },
      { text: WORDS[language].text, left: 40, top: 180, width: 520, size: 26, font, align: 'center', color: '#fff' },
    ],
  })
}

/** @param {string} name @param {Buffer} image */
async function save(name, image) {
  const file = fileURLToPath(new URL(name, IMAGES))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, await sharp(image).png({ palette: true, colours: 64, effort: 10 }).toBuffer())
}
