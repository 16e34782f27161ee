'use strict'

/**
 * XML as WeChat writes it: numbers bare, texts as CDATA.
 * @param {Readonly<Record<string, string | number>>} elements
 */
function xml(elements) {
  const lines = Object.entries(elements).map(([name, value]) => `<${name}>${contentOf(value)}</${name}>`)
  return `<xml>${lines.join('\n')}</xml>`
}

/** @param {string | number} value */
function contentOf(value) {
  return typeof value === 'number' ? value : `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

/**
 * @param {string} message
 * @returns {string | undefined}
 */
const infoTypeIn = (message) => /<InfoType>(?:<!\[CDATA\[)?([^\]<]*)/.exec(message)?.[1]

module.exports = { xml, infoTypeIn }
