import assert from 'node:assert/strict'
import fc from 'fast-check'
import { check } from 'wxacode'
import { defineScene, oneOf, text, timestamp, uint, uuid } from 'wxacode-scene'
import { seed } from '../../__test__/support/shuffle.mjs'
import { suite } from '../../__test__/support/suite.mjs'
import { anyScene, poster, values } from './definitions.mjs'

suite('values of a scene', (test) => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => assert.deepEqual(scene.decode(scene.encode(values)), values)),
      { seed, numRuns: 1000 },
    )
  })

  test('encode to as many characters as the definition says, all valid for WeChat and unchanged in a URL', () => {
    fc.assert(
      fc.property(anyScene, ({ scene, values }) => {
        const written = scene.encode(values)
        assert.equal(written.length, scene.characters)
        assert.equal(check('unlimited', { scene: written }), undefined)
        assert.equal(encodeURIComponent(written), written)
        assert.equal(new URL(`https://a/?scene=${written}`).searchParams.get('scene'), written)
      }),
      { seed, numRuns: 1000 },
    )
  })

  test('encode to the same scene in any order of fields and values', () => {
    fc.assert(
      fc.property(anyScene, ({ fields, version, scene, values }) => {
        const reversed = (object) => Object.fromEntries(Object.entries(object).reverse())
        assert.equal(defineScene(reversed(fields), version).encode(reversed(values)), scene.encode(values))
      }),
      { seed },
    )
  })

  test('encode to different scenes', () => {
    const scene = defineScene({ a: uint(0, 99), b: text(2, 'xy') })
    const all = ['', 'x', 'y', 'xx', 'xy', 'yx', 'yy'].flatMap((b) => Array.from({ length: 100 }, (_, a) => ({ a, b })))
    assert.equal(new Set(all.map(scene.encode)).size, 700)
  })

  for (const [title, field, least, greatest] of [
    ['uint', uint(5, 9), 5, 9],
    ['the widest uint', uint(1, 1e14), 1, 1e14],
    ['timestamp', timestamp(), new Date(0), new Date('2099-12-31T23:59:59Z')],
    ['timestamp of milliseconds', timestamp(1), new Date(0), new Date('2099-12-31T23:59:59.999Z')],
    ['uuid', uuid(), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['text', text(29), '', '!'.repeat(29)],
    ['the longest text', text(181, 'a'), '', 'a'.repeat(181)],
    ['oneOf', oneOf(false, true), false, true],
  ])
    test(`can be at both limits: ${title}`, () => {
      const scene = defineScene({ field })
      for (const value of [least, greatest])
        assert.deepEqual(scene.decode(scene.encode({ field: value })), { field: value })
    })

  test('that are dates are rounded down to the resolution', () => {
    for (const [resolution, read] of [
      [undefined, '2026-11-28T12:34:56.000Z'],
      [1, '2026-11-28T12:34:56.789Z'],
      [60_000, '2026-11-28T12:34:00.000Z'],
      [86_400_000, '2026-11-28T00:00:00.000Z'],
    ]) {
      const scene = defineScene({ t: timestamp(resolution) })
      assert.equal(scene.decode(scene.encode({ t: new Date('2026-11-28T12:34:56.789Z') })).t.toJSON(), read)
    }
  })

  for (const [title, wrong, message] of [
    ['too large', { n: 10_000 }, 'n: 10000 is not uint(0, 9999) | 10000 不是 uint(0, 9999)'],
    ['a string', { n: '7' }, 'n: "7" is not uint(0, 9999) | "7" 不是 uint(0, 9999)'],
    ['a fraction', { n: 0.5 }, 'n: 0.5 is not uint(0, 9999) | 0.5 不是 uint(0, 9999)'],
    ['missing', { n: undefined }, 'n: undefined is not uint(0, 9999) | undefined 不是 uint(0, 9999)'],
    [
      'not one of them',
      { from: 'poste' },
      'from: "poste" is not oneOf(poster,share) | "poste" 不是 oneOf(poster,share)',
    ],
    [
      'upper case',
      { id: 'F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6' },
      /^id: "F81D4FAE.* is not uuid\(\) \| "F81D4FAE.* 不是 uuid\(\)$/,
    ],
    ['a dash too many', { id: `${values.id}-` }, /^id: "f81d4fae.* is not uuid\(\)/],
    [
      'milliseconds',
      { t: 1_764_000_000_000 },
      't: 1764000000000 is not timestamp(1000) | 1764000000000 不是 timestamp(1000)',
    ],
    ['no date', { t: new Date('x') }, 't: object is not timestamp(1000) | object 不是 timestamp(1000)'],
    ['before 1970', { t: new Date(-1) }, 't: object is not timestamp(1000) | object 不是 timestamp(1000)'],
    [
      'after 2099',
      { t: new Date('2100-01-01T00:00:00Z') },
      't: object is not timestamp(1000) | object 不是 timestamp(1000)',
    ],
    ['unknown', { form: 'share' }, 'form: "form" is not from,id,n,t | "form" 不是 from,id,n,t'],
  ])
    test(`are refused by name: ${title}`, () => {
      const [param] = Object.keys(wrong)
      assert.throws(() => poster.encode({ ...values, ...wrong }), {
        name: 'SceneError',
        code: 'ERR_SCENE_VALUE',
        param,
        message,
      })
    })

  test('are refused if they are missing', () => {
    for (const nothing of [undefined, null, {}])
      assert.throws(() => poster.encode(nothing), { code: 'ERR_SCENE_VALUE', param: 'from' })
  })

  test('are either read back as they were written or refused', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withObjectString: true })
    const field = fc.constantFrom(uint(0, 9), text(3, 'ab'), uuid(), oneOf('', 1, true), timestamp())
    const written = fc.oneof(
      anything,
      fc.mixedCase(fc.uuid()),
      fc.string(),
      fc.stringMatching(/^[ab_-]{0,4}$/),
      fc.nat(12),
    )
    fc.assert(
      fc.property(field, written, (field, value) => {
        const scene = defineScene({ field })
        const encoded = encodedOrRefused(scene, { field: value })
        if (encoded === undefined) return
        const read = value instanceof Date ? new Date(value - (value % 1000)) : value
        assert.deepEqual(scene.decode(encoded).field, Object.is(read, -0) ? 0 : read)
      }),
      { seed, numRuns: 3000 },
    )
  })
})

function encodedOrRefused(scene, values) {
  try {
    return scene.encode(values)
  } catch (error) {
    assert.equal(error.code, 'ERR_SCENE_VALUE')
    assert.equal(error.param, 'field')
  }
}
