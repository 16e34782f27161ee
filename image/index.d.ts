/**
 * Pictures with mini-program codes.
 *
 * @module wxacode-image
 */

/** A picture: its bytes, or the path of a file. Sharp reads JPEG, PNG, WebP, GIF, SVG, AVIF and TIFF. */
export type Picture = Uint8Array | string

/** A colour: a name or notation of CSS such as `'#07c160'`, or its channels, 0 to 255, with `alpha` from 0 to 1. */
export type Color = string | { r: number; g: number; b: number; alpha?: number }

/** Options of {@link centerLogo}. */
export interface CenterLogoOptions {
  /**
   * Shape of the logo. A square has rounded corners, and is smaller, because the corners have to end inside the ring.
   *
   * @defaultValue 'round'
   */
  shape?: 'round' | 'square'
  /**
   * How a logo that is not square gets in: `'cover'` fills the shape, and what is outside is cut off; `'contain'` shows all of
   * the logo on `rimColor`.
   *
   * @defaultValue 'cover'
   */
  fit?: 'cover' | 'contain'
  /**
   * Width of the rim around the logo in pixels, up to a quarter of the logo. The logo and its rim end in the middle of the ring,
   * so a wider rim makes the logo smaller. 0 is no rim.
   *
   * @defaultValue half the ring: a round logo is then as large as the old one
   */
  rim?: number
  /**
   * Colour of the rim, and of what is behind a transparent logo.
   *
   * @defaultValue 'white'
   */
  rimColor?: Color
}

/**
 * Replaces the logo in the middle of a round code. The empty ring between the logo and the rays is measured in this picture, and
 * the new logo ends inside it. The picture keeps its format and size. All pixels outside the ring stay as they are in a PNG; a
 * JPEG is encoded again at quality 100, which changed a channel by 3 of 255 at most.
 *
 * @param code a round code as `getUnlimitedQRCode` or `getQRCode` returns it, JPEG or PNG
 * @param logo any picture; EXIF turns it, and an SVG is drawn at the size that is needed
 * @throws {@link ImageError} ERR_IMAGE_CODE if there is no such ring, as in a square QR code
 * @throws {@link ImageError} ERR_IMAGE_UNREADABLE if sharp cannot read a picture
 * @throws {@link ImageError} ERR_IMAGE_OPTION if an option is wrong
 */
export function centerLogo(code: Picture, logo: Picture, options?: CenterLogoOptions): Promise<Buffer>

/** Options of {@link flatten}. */
export interface FlattenOptions {
  /**
   * Colour behind the code, opaque. Scanners need lines that are much darker than it.
   *
   * @defaultValue 'white'
   */
  background?: Color
  /**
   * Width of the border in this colour on each side, in pixels. The picture becomes larger by it.
   *
   * @defaultValue a twentieth of the code's width
   */
  margin?: number
}

/**
 * Lays a transparent code (`isHyaline`) on a ground of one colour with a margin, so that it scans on a dark page or poster too.
 * The picture keeps its format. No opaque pixel of a PNG changes.
 *
 * @param code a code, JPEG or PNG, round or square
 * @throws {@link ImageError}
 */
export function flatten(code: Picture, options?: FlattenOptions): Promise<Buffer>

/** Place of a layer: its left upper corner, in whole pixels from that of the poster. */
export interface Place {
  /** Pixels from the left. */
  left: number
  /** Pixels from the top. */
  top: number
}

/** A picture on a poster. */
export interface PictureLayer extends Place {
  /** The picture. EXIF turns it. */
  picture: Picture
  /**
   * Width in pixels.
   *
   * @defaultValue the picture's, or by its proportions from `height`
   */
  width?: number
  /**
   * Height in pixels.
   *
   * @defaultValue the picture's, or by its proportions from `width`
   */
  height?: number
  /**
   * How a picture of other proportions gets in: `'cover'` cuts off what is outside, `'contain'` leaves the rest transparent.
   *
   * @defaultValue 'cover'
   */
  fit?: 'cover' | 'contain'
  /**
   * Radius of the corners in pixels: half the width makes a square picture round.
   *
   * @defaultValue 0
   */
  radius?: number
  /** Not in a layer of this kind. */
  code?: undefined
  /** Not in a layer of this kind. */
  text?: undefined
}

/** A code on a poster. */
export interface CodeLayer extends Place {
  /** The code, JPEG or PNG. A transparent one needs a light background, or {@link flatten}. */
  code: Picture
  /**
   * Width in pixels. Lines stay sharp if the code was requested in this width.
   *
   * @defaultValue the code's
   */
  width?: number
  /** Not in a layer of this kind. */
  picture?: undefined
  /** Not in a layer of this kind. */
  text?: undefined
}

/** A text on a poster. */
export interface TextLayer extends Place {
  /** The text. It is no markup. A line feed begins a new line. An empty text is left out. */
  text: string
  /** Size of the font in pixels. */
  size: number
  /**
   * Width of the lines in pixels, at least twice the size. Longer lines wrap.
   *
   * @defaultValue up to the right edge of the poster
   */
  width?: number
  /**
   * Colour of the letters.
   *
   * @defaultValue 'black'
   */
  color?: Color
  /**
   * Font as Pango names it, with the style: `'Noto Sans CJK SC Bold'`. If there is no such font, another one is used.
   *
   * @defaultValue the first of Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei and
   *   sans-serif that is there
   */
  font?: string
  /** Path of the file of a font that the system does not have. `font` has to be its name. */
  fontFile?: string
  /**
   * Where the lines are in their width.
   *
   * @defaultValue 'left'
   */
  align?: 'left' | 'center' | 'right'
  /**
   * Additional pixels between lines.
   *
   * @defaultValue 0
   */
  lineGap?: number
  /** Not in a layer of this kind. */
  picture?: undefined
  /** Not in a layer of this kind. */
  code?: undefined
}

/** A layer of a poster. */
export type Layer = PictureLayer | CodeLayer | TextLayer

/** Options of {@link poster}. */
export interface PosterOptions {
  /** The lowest layer: a picture, or a colour. */
  background: Picture | { color: Color }
  /**
   * Width in pixels, at most 10,000.
   *
   * @defaultValue that of the background's picture; a colour has none
   */
  width?: number
  /**
   * Height in pixels, at most 10,000. A background of other proportions is cut.
   *
   * @defaultValue that of the background's picture; a colour has none
   */
  height?: number
  /** Layers from the lowest to the highest. */
  layers: readonly Layer[]
  /**
   * Format of the result. A JPEG is smaller if there are photographs.
   *
   * @defaultValue 'png'
   */
  format?: 'png' | 'jpeg'
  /**
   * Quality of a JPEG, 1 to 100.
   *
   * @defaultValue 90
   */
  quality?: number
}

/**
 * A poster: pictures, codes and texts on a background. Layers have to be inside it.
 *
 * @throws {@link ImageError} with the layer as `param`, such as `layers[2].width`; ERR_IMAGE_FONT if no font has the letters of a
 *   text, which would be boxes
 */
export function poster(options: PosterOptions): Promise<Buffer>

/** Code of an {@link ImageError}. */
export type ImageErrorCode = 'ERR_IMAGE_CODE' | 'ERR_IMAGE_UNREADABLE' | 'ERR_IMAGE_OPTION' | 'ERR_IMAGE_FONT'

/** An error of this package, with a message in English and Chinese. */
export class ImageError extends Error {
  /** Not for you to call: this package makes its errors. */
  private constructor()
  /** Whether a picture is no round code, is unreadable, an option is wrong, or no font has the letters of a text. */
  readonly code: ImageErrorCode
  /** Name of the parameter at fault: `'code'`, `'logo'`, `'rim'`, `'layers[2].left'`, ... */
  readonly param: string
}
