import fc from 'fast-check'
import { defineScene, oneOf, text, timestamp, uint, uuid } from 'wxacode-scene'

/** What WeChat allows: 1-32 of these. */
export const WECHAT = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$&'()*+,/:;=?@-._~"

export const poster = defineScene({
  id: uuid(),
  from: oneOf('poster', 'share'),
  n: uint(0, 9999),
  t: timestamp(),
})

export const values = {
  id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  from: 'share',
  n: 7,
  t: new Date('2026-11-28T12:00:00Z'),
}

const utf16 = fc.nat(0xffff).map((code) => String.fromCharCode(code))

/** Any field, and any value of it as it is read again. */
const any = {
  oneOf: fc
    .uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 200 })
    .chain((all) => fc.constantFrom(...all).map((value) => ({ field: oneOf(...all), value }))),
  text: fc
    .tuple(fc.option(fc.uniqueArray(utf16, { minLength: 1, maxLength: 100 })), fc.integer({ min: 1, max: 29 }))
    .chain(([letters, max]) =>
      fc
        .array(fc.constantFrom(...(letters ?? `${WECHAT.slice(0, 63)}-._~`)), { maxLength: max })
        .map((value) => ({ field: text(max, letters?.join('')), value: value.join('') })),
    ),
  timestamp: fc
    .tuple(fc.option(fc.integer({ min: 1, max: 1e9 })), fc.integer({ min: 0, max: Date.UTC(2100, 0) - 1 }))
    .map(([resolution, at]) => ({
      field: timestamp(resolution ?? undefined),
      value: new Date(at - (at % (resolution ?? 1000))),
    })),
  uint: fc
    // The greatest value of the range is a safe integer, too.
    .tuple(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1e14 }), fc.integer({ min: 0, max: 1e14 - 1 }))
    .chain(([min, more]) =>
      fc.integer({ min: 0, max: more }).map((n) => ({ field: uint(min, min + more), value: min + n })),
    ),
  uuid: fc.uuid().map((value) => ({ field: uuid(), value })),
}

const anyName = fc.stringMatching(/^[A-Za-z]\w{0,9}$/)

/** Any definition that is possible, with any version, and any values of it. */
export const anyScene = fc
  .record({
    named: fc.uniqueArray(fc.tuple(anyName, fc.oneof(...Object.values(any))), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 5,
    }),
    version: fc.integer({ min: 0, max: 66 }),
  })
  .map(({ named, version }) => {
    const fields = Object.fromEntries(named.map(([name, { field }]) => [name, field]))
    const given = Object.fromEntries(named.map(([name, { value }]) => [name, value]))
    return { fields, version, values: given, scene: fits(fields, version) }
  })
  .filter(({ scene }) => scene !== undefined)

function fits(fields, version) {
  try {
    return defineScene(fields, version)
  } catch (error) {
    if (error.param !== 'characters') throw error
  }
}
