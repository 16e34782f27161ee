/** How wxacode-image is used from TypeScript. It is compiled and never run. */

import { centerLogo, flatten, ImageError, type ImageErrorCode, type Layer, poster } from 'wxacode-image'

const code = new Uint8Array()
const image: Buffer = await centerLogo(code, 'logo.png')
await centerLogo(image, image, { shape: 'square', fit: 'contain', rim: 8, rimColor: { r: 7, g: 193, b: 96 } })
await flatten(image, { background: '#fff', margin: 20 })

const layers: readonly Layer[] = [
  { picture: 'shop.jpg', left: 0, top: 0, width: 100, radius: 50 },
  { code: image, left: 0, top: 0, width: 280 },
  { text: '外滩店', left: 0, top: 0, size: 40, align: 'center', color: 'white' },
]
await poster({ background: 'ground.jpg', layers })
await poster({ background: { color: '#07c160' }, width: 750, height: 1334, layers, format: 'jpeg', quality: 85 })

// @ts-expect-error a text needs a size
const withoutSize: Layer = { text: 'a', left: 0, top: 0 }
// @ts-expect-error a layer has a place
const withoutPlace: Layer = { code: image }
// @ts-expect-error a layer is one thing
const both: Layer = { code: image, text: 'a', size: 9, left: 0, top: 0 }
// @ts-expect-error not in the options
await centerLogo(image, image, { round: true })
// @ts-expect-error one of the shapes
await centerLogo(image, image, { shape: 'oval' })

try {
  await poster({ background: image, layers })
} catch (error) {
  if (error instanceof ImageError) {
    const of: ImageErrorCode = error.code
    const param: string = error.param
    console.error(of, param, error.message)
  }
}

export { both, withoutPlace, withoutSize }
