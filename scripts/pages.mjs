// The documents and their parts: which there are, in which languages, their code blocks, headings, links and prose.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorOf } from '../docs/.vitepress/anchor.mjs'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** @param {string} file */
export const text = (file) => readFileSync(join(ROOT, file), 'utf8')
/** @param {string} file */
export const exists = (file) => existsSync(join(ROOT, file))

/** Files under version control or about to be. @param {string} pattern */
const files = (pattern) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', pattern], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file && exists(file))

export const MARKDOWN = files('*.md').filter((file) => file !== 'docs/index.md')

const READMES = MARKDOWN.filter((file) => /(^|\/)README(\.zh-CN)?\.md$/.test(file))
const PAGES = MARKDOWN.filter((file) => /^docs\/(en|zh)\//.test(file))
export const DOCUMENTS = [...READMES, ...PAGES]

/** @param {string} file */
export const isChinese = (file) => /^docs\/zh\/|\.zh-CN\.md$/.test(file)

/** The same document in the other language. @param {string} file */
export const twinOf = (file) =>
  file.startsWith('docs/')
    ? file.replace(/^docs\/(en|zh)\//, (_, language) => `docs/${language === 'en' ? 'zh' : 'en'}/`)
    : isChinese(file)
      ? file.replace('.zh-CN.md', '.md')
      : file.replace('.md', '.zh-CN.md')

/** Both languages of each document, English first. */
export const PAIRS = DOCUMENTS.filter((file) => !isChinese(file) && exists(twinOf(file))).map((en) => [en, twinOf(en)])

/** @param {string} file @returns {{ language: string, code: string, line: number }[]} */
export const blocksOf = (file) =>
  [...text(file).matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)].map(
    ({ 1: indent, 2: language, 3: code, index, input }) => ({
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: input.slice(0, index).split('\n').length,
    }),
  )

/** The lines of a document, those of code blocks empty. @param {string} file */
export const proseOf = (file) => text(file).replace(/^ *```.*?^ *```$/gms, (block) => block.replace(/[^\n]/g, ''))

/** @param {string} file */
export const headingsOf = (file) =>
  [...proseOf(file).matchAll(/^(#+) (.*)$/gm)].map(([, marks, title]) => ({ level: marks.length, title }))

/** What GitHub and the site make of headings; one that is there already gets a number. @param {string} file */
export function anchorsOf(file) {
  const seen = new Map()
  return headingsOf(file).map(({ title }) => {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
    const anchor = anchorOf(plain)
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
}

/** @param {string} file @returns {{ link: string, line: number }[]} */
export const linksOf = (file) =>
  [
    ...proseOf(file)
      .replace(/`[^`\n]*`/g, (code) => '·'.repeat(code.length))
      .matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g),
  ].map(({ 1: link, index, input }) => ({ link, line: input.slice(0, index).split('\n').length }))
