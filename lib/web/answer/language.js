'use strict'

/** @typedef {'zh' | 'en'} Language */

/**
 * The language that Accept-Language likes better; English where it likes neither, or both the same and English first.
 *
 * @param {string} [header]
 * @returns {Language}
 */
function languageOf(header = '') {
  const ranges = header.split(',').map(rangeOf)
  /** @param {Language} language */
  const weight = (language) => {
    const own = ranges.filter(({ tag }) => tag === language)
    return Math.max(0, ...(own.length > 0 ? own : ranges.filter(({ tag }) => tag === '*')).map(({ q }) => q))
  }
  const isChineseFirst = ranges.find(({ tag }) => tag === 'zh' || tag === 'en')?.tag === 'zh'
  const zh = weight('zh')
  const en = weight('en')
  return zh > en || (zh === en && zh > 0 && isChineseFirst) ? 'zh' : 'en'
}

/** @param {string} text like `zh-CN;q=0.9` */
function rangeOf(text) {
  const [range, ...weights] = text
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const q = Number(weights.find((weight) => weight.startsWith('q='))?.slice(2) ?? 1)
  return { tag: range.split('-')[0], q: q >= 0 && q <= 1 ? q : 0 }
}

module.exports = { languageOf }
