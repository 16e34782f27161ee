/**
 * The anchor of a heading as GitHub makes it: lower case, without punctuation, a hyphen for each space. The site and the check of
 * links use it, so that a link works on both.
 *
 * @param {string} title
 */
export const anchorOf = (title) =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
