import { existsSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { anchorOf } from './anchor.mjs'
import { extend, REPOSITORY } from './markdown.mjs'
import { wordsOf } from './words.mjs'

const DOCS = new URL('../', import.meta.url)
const EDIT = `${REPOSITORY}/edit/main/docs/:path`

/**
 * The groups of a language's index.md, which lists every page: `## Group`, `- [Page](page.md): ...`.
 *
 * @param {'en' | 'zh'} language
 */
function sidebar(language) {
  const page = readFileSync(new URL(`${language}/index.md`, DOCS), 'utf8')
  return page
    .split(/^## /m)
    .slice(1)
    .map((group) => ({
      text: group.slice(0, group.indexOf('\n')),
      items: [...group.matchAll(/^- \[([^\]]+)\]\(([\w-]+)\.md\)/gm)].map(([, text, name]) => ({
        text,
        link: `/${language}/${name}`,
      })),
    }))
    .filter(({ items }) => items.length > 0)
    .concat({ text: 'API', items: modules(language) })
}

/**
 * What typedoc has written: a page for each module.
 *
 * @param {'en' | 'zh'} language
 */
function modules(language) {
  const list = new URL('en/api/typedoc-sidebar.json', DOCS)
  if (!existsSync(list)) throw new Error('npm run docs:site writes the API reference first')
  return JSON.parse(readFileSync(list, 'utf8')).map((/** @type {{ text: string, link: string }} */ { text, link }) => ({
    text,
    link: link.replace(/^.*\/api\/(.*?)(?:\.md)?$/, `/${language}/api/$1`),
  }))
}

export default defineConfig({
  title: 'wxacode',
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: true,
  lastUpdated: false,
  ignoreDeadLinks: false,
  srcExclude: ['node_modules/**', 'README.md'],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    config: extend,
    anchor: { slugify: anchorOf },
    theme: { light: 'github-light', dark: 'github-dark' },
  },
  transformPageData(page) {
    if (/^\w+\/api\//.test(page.relativePath)) page.frontmatter.editLink = false
    if (page.relativePath === 'index.md') page.frontmatter.search = false
  },
  locales: {
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: 'Node.js 后端生成微信小程序码：返回正确的图片，或能看懂的错误',
      themeConfig: {
        nav: [
          { text: '文档', link: '/zh/' },
          { text: 'errcode', link: '/zh/errcodes' },
          { text: 'API', link: '/zh/api/' },
        ],
        sidebar: { '/zh/': sidebar('zh') },
        editLink: { pattern: EDIT, text: '在 GitHub 上编辑此页' },
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色',
        darkModeSwitchTitle: '切换到深色',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '切换语言',
        skipToContentLabel: '跳到正文',
        notFound: { title: '没有这个页面', quote: '链接可能已经失效。', linkLabel: '回到首页', linkText: '回到首页' },
      },
    },
    en: {
      label: 'English',
      lang: 'en',
      description: 'WeChat mini-program codes for Node.js backends: right images or errors that explain themselves',
      themeConfig: {
        nav: [
          { text: 'Documentation', link: '/en/' },
          { text: 'Errcodes', link: '/en/errcodes' },
          { text: 'API', link: '/en/api/' },
        ],
        sidebar: { '/en/': sidebar('en') },
        editLink: { pattern: EDIT, text: 'Edit this page on GitHub' },
        outline: { level: [2, 3], label: 'On this page' },
      },
    },
  },
  themeConfig: {
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    search: {
      provider: 'local',
      options: {
        miniSearch: { options: { tokenize: wordsOf } },
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
              modal: {
                displayDetails: '显示详情',
                resetButtonTitle: '清空',
                backButtonTitle: '关闭',
                noResultsText: '没有找到',
                footer: { selectText: '打开', navigateText: '选择', closeText: '关闭' },
              },
            },
          },
        },
      },
    },
  },
})
