/**
 * A text filled up to so many columns of a terminal, in which a Chinese character takes two.
 *
 * @param {string} text
 * @param {number} columns
 */
export function padded(text, columns) {
  const width = [...text].reduce((sum, one) => sum + (one >= '\u2e80' ? 2 : 1), 0)
  return text + ' '.repeat(Math.max(1, columns - width))
}
