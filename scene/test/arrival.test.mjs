import assert from 'node:assert/strict'
import fc from 'fast-check'
import { defineScene, uint, versionOf } from 'wxacode-scene'
import { seed } from '../../__test__/support/shuffle.mjs'
import { suite } from '../../__test__/support/suite.mjs'
import { anyScene, poster, values, WECHAT } from './definitions.mjs'

/** Every octet, as RFC 3986 permits. */
const allEncoded = (text) => text.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)

suite('a scene that arrives', (test) => {
  for (const [how, deliver] of Object.entries({
    plain: (scene) => scene,
    'percent-encoded': encodeURIComponent,
    'with every character percent-encoded': allEncoded,
    'percent-encoded twice': (scene) => encodeURIComponent(allEncoded(scene)),
  }))
    test(`is read: ${how}`, () => {
      fc.assert(
        fc.property(anyScene, ({ scene, values, version }) => {
          const delivered = deliver(scene.encode(values))
          assert.deepEqual(scene.decode(delivered), values)
          assert.equal(versionOf(delivered), version)
        }),
        { seed },
      )
    })

  test('is refused with any one character replaced', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => {
        const written = scene.encode(values)
        for (let i = 0; i < written.length; i++)
          for (const other of `${WECHAT} \n中`)
            if (other !== written[i]) {
              const text = written.slice(0, i) + other + written.slice(i + 1)
              assert.throws(() => scene.decode(text), { name: 'SceneError', code: 'ERR_SCENE_CORRUPT' }, text)
              assert.throws(() => versionOf(text), { name: 'SceneError', code: 'ERR_SCENE_CORRUPT' }, text)
            }
      }),
      { seed, numRuns: 30 },
    )
  })

  // One in 67 is right by its checksum: "%41" may have been an A, of a scene of two characters fewer.
  test('is refused with any one character replaced by %', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => {
        const written = scene.encode(values)
        for (let i = 0; i < written.length; i++) isRefused(scene, `${written.slice(0, i)}%${written.slice(i + 1)}`)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('is refused with any two characters swapped', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => {
        const written = scene.encode(values)
        for (let i = 0; i < written.length; i++)
          for (let j = i + 1; j < written.length; j++) {
            const swapped = [...written]
            swapped[i] = written[j]
            swapped[j] = written[i]
            if (written[i] !== written[j]) isRefused(scene, swapped.join(''))
          }
      }),
      { seed, numRuns: 30 },
    )
  })

  test('is refused with missing or additional characters at either end', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => {
        const written = scene.encode(values)
        for (let i = 1; i < written.length; i++) {
          isRefused(scene, written.slice(0, -i))
          isRefused(scene, written.slice(i))
        }
        for (const letter of WECHAT) {
          isRefused(scene, written + letter)
          isRefused(scene, letter + written)
        }
      }),
      { seed, numRuns: 30 },
    )
  })

  test('is refused if its checksum is right but no values encode to it', () => {
    // All of one length whose checksum is right: 67 versions times 67 digits, of which one version has 10 values.
    const letters = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!']
    const scene = defineScene({ n: uint(0, 9) }, 3)
    const read = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c))).filter(isRead)
    assert.equal(read.length, 10)

    function isRead(text) {
      try {
        return scene.decode(text) && true
      } catch (error) {
        assert.equal(error.name, 'SceneError')
        return false
      }
    }
  })

  for (const [title, arrived, shown] of [
    ['none, because no code opened the page', undefined, 'undefined'],
    ['an empty one', '', '""'],
    ['of somebody else', 'id=42', '"id=42"'],
    ['the number of the way in', 1047, '1047'],
    ['with half a percent sequence', '%E4%B8', '"%E4%B8"'],
    ['that is no string', Object.create(null), 'object'],
    ['of a version and no value', '1', '"1"'],
    ['of a megabyte', `%${'25'.repeat(500_000)}`, `"%${'25'.repeat(49)}"`],
  ])
    test(`is refused: ${title}`, () => {
      for (const read of [poster.decode, versionOf])
        assert.throws(() => read(arrived), {
          name: 'SceneError',
          code: 'ERR_SCENE_CORRUPT',
          param: 'scene',
          message: `scene: ${shown} is not a full scene | ${shown} 不是 完整的 scene`,
        })
    })

  test('is refused if it was percent-encoded three times', () => {
    const arrived = encodeURIComponent(encodeURIComponent(allEncoded(poster.encode(values))))
    assert.throws(() => poster.decode(arrived), { name: 'SceneError', code: 'ERR_SCENE_CORRUPT' })
  })

  test('selects the definition by its version', () => {
    const definitions = [poster, defineScene({ shop: uint(0, 999) }, 1)]
    const read = (scene) => (definitions[versionOf(scene)] ?? definitions[0]).decode(scene)
    assert.deepEqual(read(definitions[0].encode(values)), values)
    assert.deepEqual(read(definitions[1].encode({ shop: 5 })), { shop: 5 })
    const later = defineScene({ shop: uint(0, 999) }, 2).encode({ shop: 5 })
    assert.throws(() => read(later), { name: 'SceneError', code: 'ERR_SCENE_VERSION', param: 'version' })
  })
})

function isRefused(scene, text) {
  assert.throws(() => scene.decode(text), { name: 'SceneError', code: /^ERR_SCENE_(CORRUPT|VERSION)$/ }, text)
}
