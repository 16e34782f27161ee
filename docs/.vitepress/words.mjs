/**
 * The words of a text for the search: Latin words and numbers, and every two neighbouring characters of a Chinese text. A
 * segmenter cuts the same word differently in different sentences (限频 in 被限频了); pairs are found wherever they occur.
 * VitePress sends the source of this function to the browser: it must not use anything outside itself.
 *
 * @param {string} text
 */
export function wordsOf(text) {
  const words = []
  for (const [run] of text.matchAll(/\p{Script=Han}+|[\p{L}\p{N}_]+/gu)) {
    if (!/\p{Script=Han}/u.test(run[0]) || run.length === 1) words.push(run)
    else for (let at = 0; at < run.length - 1; at++) words.push(run.slice(at, at + 2))
  }
  return words
}
