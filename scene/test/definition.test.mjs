import assert from 'node:assert/strict'
import { defineScene, oneOf, text, timestamp, uint, uuid } from 'wxacode-scene'
import { suite } from '../../__test__/support/suite.mjs'
import { poster } from './definitions.mjs'

/** How many values fit beside 29 letters, each one of 67 or none, into 30 characters. */
const REST = Number(67n ** 30n / 68n ** 29n)

suite('a definition', (test) => {
  for (const [characters, title, fields] of [
    [3, 'a yes or no', { a: oneOf(false, true) }],
    [3, '67 values', { a: uint(0, 66) }],
    [4, '68 values', { a: uint(0, 67) }],
    [8, 'a second', { a: timestamp() }],
    [13, 'a snowflake', { a: text(19, '0123456789') }],
    [24, 'a UUID', { a: uuid() }],
    [32, 'all that 32 can hold', { a: text(29), b: uint(1, REST) }],
  ])
    test(`reports how many characters it needs: ${title} ${characters}`, () => {
      assert.equal(defineScene(fields).characters, characters)
    })

  test('needs no more than all its values together', () => {
    // By themselves these need 22, 1, 3 and 6.
    assert.equal(poster.characters, 31)
  })

  for (const [param, define, message] of [
    ['characters', () => defineScene({ a: uuid(), b: text(10) }), 'characters: 34 is not 3-32 | 34 不是 3-32'],
    ['characters', () => defineScene({ a: text(29), b: uint(0, REST) }), 'characters: 33 is not 3-32 | 33 不是 3-32'],
    ['characters', () => defineScene({}), 'characters: 2 is not 3-32 | 2 不是 3-32'],
    ['characters', () => defineScene(), 'characters: 2 is not 3-32 | 2 不是 3-32'],
    ['characters', () => defineScene({ a: uint(7, 7) }), 'characters: 2 is not 3-32 | 2 不是 3-32'],
    ['a', () => defineScene({ a: 'uuid' }), 'a: "uuid" is not uint()... | "uuid" 不是 uint()...'],
    ['a', () => defineScene({ a: uuid }), 'a: function is not uint()... | function 不是 uint()...'],
    ['a', () => defineScene({ a: undefined }), 'a: undefined is not uint()... | undefined 不是 uint()...'],
    ['version', () => defineScene({ a: uuid() }, 67), 'version: 67 is not 0-66 | 67 不是 0-66'],
    ['version', () => defineScene({ a: uuid() }, '1'), 'version: "1" is not 0-66 | "1" 不是 0-66'],
    ['version', () => defineScene({ a: uuid() }, 0.5), 'version: 0.5 is not 0-66 | 0.5 不是 0-66'],
    ['uint(5, 1)', () => uint(5, 1), 'uint(5, 1): -3 is not 1-1e14 values | -3 不是 1-1e14 values'],
    ['uint(-1, 1)', () => uint(-1, 1), /^uint\(-1, 1\): NaN is not /],
    ['uint(0.5, 1.5)', () => uint(0.5, 1.5), /^uint\(0.5, 1.5\): NaN is not /],
    ['uint(0, 1.5)', () => uint(0, 1.5), /^uint\(0, 1.5\): 2.5 is not /],
    ['uint(9, undefined)', () => uint(9), /^uint\(9, undefined\): NaN is not /],
    ['uint(0, 100000000000000)', () => uint(0, 1e14), /: 100000000000001 is not /],
    ['oneOf()', () => oneOf(), 'oneOf(): 0 is not 1-1e14 values | 0 不是 1-1e14 values'],
    ['text(0, ab)', () => text(0, 'ab'), 'text(0, ab): 0 is not 1-1e14 values | 0 不是 1-1e14 values'],
    ['text(182, a)', () => text(182, 'a'), /^text\(182, a\): NaN is not /],
    ['text(1.5, a)', () => text(1.5, 'a'), /^text\(1.5, a\): NaN is not /],
    ['timestamp(0)', () => timestamp(0), /^timestamp\(0\): Infinity is not /],
    ['timestamp(-1)', () => timestamp(-1), /^timestamp\(-1\): NaN is not /],
    ['timestamp(1.5)', () => timestamp(1.5), /^timestamp\(1.5\): NaN is not /],
    ['timestamp(s)', () => timestamp('s'), /^timestamp\(s\): NaN is not /],
  ])
    test(`that is impossible is refused: ${define.toString().slice(6)}`, () => {
      assert.throws(define, { name: 'SceneError', code: 'ERR_SCENE_DEFINITION', param, message })
    })

  test('with another version writes and reads its own scenes', () => {
    const scenes = Array.from({ length: 67 }, (_, version) => defineScene({ n: uint(0, 9) }, version))
    const written = scenes.map((scene) => scene.encode({ n: 5 }))
    assert.equal(new Set(written).size, 67)
    for (const [version, scene] of scenes.entries()) {
      assert.deepEqual(scene.decode(written[version]), { n: 5 })
      assert.throws(() => scene.decode(written[(version + 1) % 67]), {
        code: 'ERR_SCENE_VERSION',
        param: 'version',
        message: `version: ${(version + 1) % 67} is not ${version} | ${(version + 1) % 67} 不是 ${version}`,
      })
    }
  })
})
