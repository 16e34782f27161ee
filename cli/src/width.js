import stringWidth from 'string-width'

/**
 * A text filled up to so many columns of a terminal, in which a Chinese character takes two.
 *
 * @param {string} text
 * @param {number} columns
 */
export const padded = (text, columns) => text + ' '.repeat(Math.max(1, columns - stringWidth(text)))
