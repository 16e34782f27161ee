import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorOf } from '../../docs/.vitepress/anchor.mjs'
import { wordsOf } from '../../docs/.vitepress/words.mjs'

test('a search finds Chinese words wherever they stand, and Latin ones whole', () => {
  const text = '同一个 appid 调用太频繁，被限频了：access_token 换成 getUnlimitedQRCode 的 41030。'
  const words = new Set(wordsOf(text))
  for (const query of ['限频', '频繁', '调用', 'access_token', 'getUnlimitedQRCode', '41030', '的']) {
    assert.ok(
      wordsOf(query).every((word) => words.has(word)),
      query,
    )
  }
  assert.ok(!words.has('限了'))
})

test('VitePress can send the words of a search to the browser: their source stands alone', () => {
  const alone = new Function(`return (${wordsOf})`)()
  assert.deepEqual(alone('小程序码 code'), ['小程', '程序', '序码', 'code'])
})

test('anchors are those of GitHub', () => {
  for (const [title, anchor] of [
    ['41030', '41030'],
    ['-1', '-1'],
    ['Is Electron supported?', 'is-electron-supported'],
    ['/a.b/ 里的 id%3D42', 'ab-里的-id3d42'],
    ['支持 Electron 吗？', '支持-electron-吗'],
    ['Modules of `src/`', 'modules-of-src'],
    ['30 秒拿到第一张码', '30-秒拿到第一张码'],
  ]) {
    assert.equal(anchorOf(title), anchor)
  }
})
