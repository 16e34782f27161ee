import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { FONT_FILE, needsChineseFont } from './fonts.mjs'

/** Where fontconfig decides, and a file can be named. */
const options =
  process.platform === 'linux' && FONT_FILE ? needsChineseFont : { skip: 'the file of the font is unknown' }
const PACKAGE = fileURLToPath(new URL('../', import.meta.url))

/** What comes of a text in a process whose system has no font. */
async function withoutFonts(t, layer) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-fonts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const settings = join(folder, 'fonts.conf')
  writeFileSync(settings, `<fontconfig><dir>${folder}/none</dir><cachedir>${folder}/cache</cachedir></fontconfig>`)
  const script = `const { poster } = require(${JSON.stringify(PACKAGE)})
    const layers = [${JSON.stringify({ left: 0, top: 0, size: 40, ...layer })}]
    poster({ background: { color: '#fff' }, width: 400, height: 100, layers }).then(
      (image) => console.log(JSON.stringify({ bytes: image.length })),
      ({ code, param, message }) => console.log(JSON.stringify({ code, param, message })),
    )`
  const env = { ...process.env, FONTCONFIG_FILE: settings }
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env })
  return JSON.parse(stdout)
}

test('letters that no font has are an error, and not boxes', options, async (t) => {
  for (const text of ['外滩店', 'Bund', '一']) {
    const { code, param, message } = await withoutFonts(t, { text })
    assert.deepEqual([code, param], ['ERR_IMAGE_FONT', 'layers[0].font'])
    assert.match(message, /fonts-noto-cjk.* \| .*方框/)
  }
})

test('a font in a file needs none of the system', options, async (t) => {
  const { bytes } = await withoutFonts(t, { text: '外滩店', font: 'Noto Sans CJK SC', fontFile: FONT_FILE })
  assert.ok(bytes > 1000)
})
