// Parameters of the three methods that make codes.

/**
 * Version of the mini-program that a code or link opens: `'release'` is the published one, `'trial'` the trial version for
 * testers (体验版), `'develop'` the development version for its developers (开发版).
 */
export type EnvVersion = 'release' | 'trial' | 'develop'

/**
 * The bytes of a picture, as a Buffer that does not use shared memory. TypeScript 5.7 and later distinguish the two, so that
 * it is a `BodyInit`, a `BlobPart` and a `BufferSource`.
 */
export type CodeImage = ReturnType<typeof Buffer.alloc>

/** A colour. */
export interface RGB {
  // <params RGB>
  /** Red, a whole number from 0 to 255. */
  r: number
  /** Green, a whole number from 0 to 255. */
  g: number
  /** Blue, a whole number from 0 to 255. */
  b: number
  // </params>
}

/** Appearance of a code. */
export interface Style {
  // <params Style>
  /**
   * Side length of the picture in pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  /**
   * Whether WeChat picks the colour of the lines. `lineColor` is then ignored. WeChat still draws black lines if it
   * considers the theme colour unsuitable.
   *
   * @defaultValue false, by WeChat
   */
  autoColor?: boolean
  /**
   * Colour of the lines, as three whole numbers from 0 to 255 or in hexadecimal: `'#ff0000'`, `'#f00'`, with or
   * without `#`. It is ignored if `autoColor` is `true`. WeChat draws light colours in black without an error.
   *
   * @defaultValue `{ r: 0, g: 0, b: 0 }`, by WeChat
   */
  lineColor?: RGB | string
  /**
   * Whether the background is transparent. The picture is then a PNG instead of a JPEG.
   *
   * @defaultValue false, by WeChat
   */
  isHyaline?: boolean
  // </params>
}

/**
 * Parameters of {@link WxaCode.getQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html}
 */
export interface QRCodeParams extends Style {
  // <params getQRCode>
  /**
   * Page and query, such as `pages/index/index?id=42`: 1 to 1024 characters (WeChat may count bytes). The query must
   * not contain `scancode_time`.
   */
  path: string
  /**
   * Version of the mini-program that the code opens: `release` (the published one), `trial` (体验版, for testers) or
   * `develop` (开发版, for developers).
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  /**
   * Parameters that wxacode does not know yet, under WeChat's names, sent as they are: `{ show_something: true }`. At
   * most 4096 bytes of JSON. It refuses parameters that exist, the page and the scene, and credentials.
   */
  extra?: Record<string, unknown>
  // </params>
}

/**
 * Parameters of {@link WxaCode.getUnlimitedQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html}
 */
export interface UnlimitedQRCodeParams extends Style {
  // <params getUnlimitedQRCode>
  /**
   * Value that the page receives: 1 to 32 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~`. The
   * page reads it by `decodeURIComponent(query.scene)`.
   */
  scene: string
  /**
   * Page such as `pages/index/index`, without a leading slash and without a query; at most 1024 characters. If it is
   * left out, WeChat opens the main page.
   */
  page?: string
  /**
   * Whether WeChat checks that the published version has the page. Pass `false` for an unpublished page and for the
   * versions `trial` and `develop`.
   *
   * @defaultValue true, by WeChat
   */
  checkPath?: boolean
  /**
   * Whether WeChat shows a cover ad when the code is opened.
   * {@link https://developers.weixin.qq.com/miniprogram/analysis/wedata/tool/coverad.html}
   *
   * @defaultValue true, by WeChat
   */
  showSplashAd?: boolean
  /**
   * Version of the mini-program that the code opens: `release` (the published one), `trial` (体验版, for testers) or
   * `develop` (开发版, for developers).
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  /**
   * Parameters that wxacode does not know yet, under WeChat's names, sent as they are: `{ show_something: true }`. At
   * most 4096 bytes of JSON. It refuses parameters that exist, the page and the scene, and credentials.
   */
  extra?: Record<string, unknown>
  // </params>
}

/**
 * Parameters of {@link WxaCode.createQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html}
 */
export interface CreateQRCodeParams {
  // <params createQRCode>
  /**
   * Page and query, such as `pages/index/index?id=42`: 1 to 128 bytes of UTF-8 (a Chinese character takes 3). The
   * query must not contain `scancode_time`.
   */
  path: string
  /**
   * Side length of the picture in pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  /**
   * Parameters that wxacode does not know yet, under WeChat's names, sent as they are: `{ show_something: true }`. At
   * most 4096 bytes of JSON. It refuses parameters that exist, the page and the scene, and credentials.
   */
  extra?: Record<string, unknown>
  // </params>
}
