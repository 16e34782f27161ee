/** How wxacode-scene is used from TypeScript. It is compiled and never run. */

import {
  defineScene,
  oneOf,
  type SceneError,
  text,
  timestamp,
  uint,
  uuid,
  type ValuesOf,
  versionOf,
} from 'wxacode-scene'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

const fields = {
  id: uuid(),
  from: oneOf('poster', 'share'),
  n: uint(0, 9999),
  t: timestamp(),
  on: oneOf(false, true),
  code: text(3, 'abc'),
  size: oneOf(1, 'large', true),
}
const scene = defineScene(fields, 1)

type Values = {
  id: string
  from: 'poster' | 'share'
  n: number
  t: Date
  on: boolean
  code: string
  size: 1 | 'large' | true
}
same<ValuesOf<typeof fields>, Values>(true)
const read = scene.decode('x')
same<typeof read, Values>(true)

const values: Values = { id: '', from: 'share', n: 1, t: new Date(), on: true, code: '', size: 'large' }
const written: string = scene.encode(values)
const characters: number = scene.characters
const version: number = versionOf(written)

// What a page is opened with need not be a string.
const query: Record<string, string | undefined> = {}
scene.decode(query.scene)

// @ts-expect-error one is missing
scene.encode({ id: '', from: 'share', n: 1, t: new Date(), on: true, size: 1 })
// @ts-expect-error none of them
scene.encode({ ...values, from: 'elsewhere' })
// @ts-expect-error a date, not a number
scene.encode({ ...values, t: Date.now() })
// @ts-expect-error not in the definition
scene.encode({ ...values, more: 1 })
// @ts-expect-error a field is made by a function
defineScene({ id: 'uuid' })
// @ts-expect-error not an object
oneOf({ a: 1 })

try {
  scene.decode(written)
} catch (error) {
  const { code, param } = error as SceneError
  same<typeof code, 'ERR_SCENE_DEFINITION' | 'ERR_SCENE_VALUE' | 'ERR_SCENE_CORRUPT' | 'ERR_SCENE_VERSION'>(true)
  same<typeof param, string>(true)
}

export { characters, version }
