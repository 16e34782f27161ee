import { spawnSync } from 'node:child_process'

const found = spawnSync('fc-list', [':lang=zh', 'file'], { encoding: 'utf8' }).stdout ?? ''
const isThere = found.trim() !== '' || process.platform !== 'linux'

/** For a test's options: without a Chinese font it is skipped aloud, under CI it fails. */
export const needsChineseFont = isThere || process.env.CI ? {} : { skip: 'there is no Chinese font' }

/** The file of a Chinese font. */
export const FONT_FILE = found
  .split('\n')
  .find((line) => /NotoSansCJK-Regular/.test(line))
  ?.replace(/:.*$/, '')
