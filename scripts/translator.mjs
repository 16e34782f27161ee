// A page in Chinese from the English one, by a list of its texts. `{name}` stands for what differs; `{scene}` is itself a text.

/**
 * @param {[en: string, zh: string][]} texts
 * @param {RegExp} same what is the same in every language
 * @param {string} file where the texts are
 */
export function translator(texts, same, file) {
  const patterns = texts.map(([en, zh]) => {
    const pattern = en.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, '(?<$1>.+)')
    return { pattern: new RegExp(`^${pattern}$`), zh }
  })

  /** @param {string} text @returns {string} */
  function translated(text) {
    if (same.test(text)) return text
    for (const { pattern, zh } of patterns) {
      const found = pattern.exec(text)
      if (!found) continue
      return zh.replace(/\{(\w+)\}/g, (_, name) => {
        const part = found.groups?.[name] ?? ''
        return name === 'scene' ? translated(part) : part
      })
    }
    throw new Error(`${file} has no Chinese for: ${text}`)
  }

  /** @param {string} row */
  const inRow = (row) =>
    row
      .split('|')
      .map((cell) => (cell.trim() ? ` ${translated(cell.trim())} ` : cell))
      .join('|')

  /** Headings, captions, pictures, tables, lists and paragraphs. @param {string} text */
  function page(text) {
    const blocks = text
      .trim()
      .split('\n\n')
      .map((block) => {
        const [, mark, title] = /^(#+) (.*)$/.exec(block) ?? []
        if (mark) return `${mark} ${translated(title)}`
        const [, caption] = /^\*\*(.*)\*\*$/.exec(block) ?? []
        if (caption) return `**${translated(caption)}**`
        const [, alt, picture] = /^!\[(.*)\]\((.*)\)$/.exec(block) ?? []
        if (picture) return `![${translated(alt)}](${picture})`
        const lines = block.split('\n')
        if (block.startsWith('|')) return lines.map(inRow).join('\n')
        if (block.startsWith('- ')) return lines.map((line) => `- ${translated(line.slice(2))}`).join('\n')
        return translated(lines.join(' '))
      })
    return `${blocks.join('\n\n')}\n`
  }

  return { page }
}
