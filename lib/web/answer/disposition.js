'use strict'

/** @type {Record<string, { extension: string, others: RegExp }>} */
const EXTENSIONS = {
  'image/jpeg': { extension: '.jpg', others: /\.jpe?g$/i },
  'image/png': { extension: '.png', others: /\.png$/i },
}
const ANY_EXTENSION = /\.(?:jpe?g|png)$/i

/**
 * The name under which a browser saves the picture, or nothing if the options set none. {@link https://www.rfc-editor.org/rfc/rfc6266}
 *
 * @param {string} type of the bytes
 * @param {string | undefined} filename with or without extension
 * @param {boolean} isDownload
 * @returns {Record<string, string>}
 */
function disposition(type, filename, isDownload) {
  if (filename === undefined && !isDownload) return {}
  const name = extended(safe(filename ?? ''), type)
  // Old browsers take what is between the quotes, and some decode a % in it.
  const plain = name.replace(/[^ -~]|[%"\\]/gu, '_')
  const exact = plain === name ? '' : `; filename*=UTF-8''${encoded(name)}`
  return { 'Content-Disposition': `${isDownload ? 'attachment' : 'inline'}; filename="${plain}"${exact}` }
}

/**
 * A file name and nothing else: it may be made of what a visitor sends.
 *
 * @param {string} name
 */
const safe = (name) =>
  name
    .toWellFormed()
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, '')
    .replace(/[/\\]/g, '_')
    .trim() || 'code'

/**
 * With the extension of what the bytes are, whatever was asked for.
 *
 * @param {string} name
 * @param {string} type
 */
function extended(name, type) {
  const { extension, others } = EXTENSIONS[type]
  return others.test(name) ? name : name.replace(ANY_EXTENSION, '') + extension
}

/**
 * {@link https://www.rfc-editor.org/rfc/rfc8187#section-3.2}
 *
 * @param {string} name
 */
const encoded = (name) =>
  encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

module.exports = { disposition }
