'use strict'

const PAGES = 'https://github.com/wxacode/wxacode/blob/main/docs'

/**
 * The section of the documents about an errcode of the catalogue.
 *
 * @param {number} errcode
 */
const docsOf = (errcode) => ({
  zh: `${PAGES}/zh/errcodes.md#${errcode}`,
  en: `${PAGES}/en/errcodes.md#${errcode}`,
})

module.exports = { docsOf }
