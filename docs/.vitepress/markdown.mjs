// What the pages need on the site and not on GitHub: diagrams drawn at build, links to files of the repository, tables.

import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderMermaidSVG } from 'beautiful-mermaid'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const REPOSITORY = 'https://github.com/wxacode/wxacode'

/** In the colours of the theme, dark and light; its style is in theme/style.css, because Vue takes none in a page. */
const COLOURS = {
  bg: 'var(--vp-c-bg)',
  fg: 'var(--vp-c-text-1)',
  muted: 'var(--vp-c-text-2)',
  font: 'var(--vp-font-family-base)',
}

/** @param {import('markdown-it').default} md */
export function extend(md) {
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    if (tokens[index].info.trim() !== 'mermaid') return fence?.(tokens, index, ...rest) ?? ''
    const svg = renderMermaidSVG(tokens[index].content, COLOURS).replace(/<style>.*?<\/style>/s, '')
    return `<div class="diagram" v-pre>${svg}</div>\n`
  }
  // A table scrolls in its own box on a phone.
  const { table_open: open, table_close: close } = md.renderer.rules
  md.renderer.rules.table_open = (...args) => `<div class="table">${open?.(...args) ?? '<table>'}`
  md.renderer.rules.table_close = (...args) => `${close?.(...args) ?? '</table>'}</div>`
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' && token.attrGet('href')
      if (href) token.attrSet('href', onGitHub(href, env.relativePath))
    }
  })
}

/**
 * The address of a file of the repository that is not on the site.
 *
 * @param {string} href
 * @param {string} page its path in docs/
 */
function onGitHub(href, page) {
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) return href
  const [path, anchor] = href.split('#')
  const file = posix.join('docs', posix.dirname(page), path)
  if (/^docs\/(?:en|zh)\//.test(file)) return href
  const kind = statSync(`${ROOT}${file}`).isDirectory() ? 'tree' : 'blob'
  return `${REPOSITORY}/${kind}/main/${file}${anchor === undefined ? '' : `#${anchor}`}`
}
