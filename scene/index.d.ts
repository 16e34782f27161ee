/**
 * Typed values in the 32 characters of a mini-program code's scene.
 *
 * @module wxacode-scene
 */

// biome-ignore lint/complexity/noUselessEmptyExport: without it all that is declared here is exported, VALUE too
export {}

declare const VALUE: unique symbol

/** What one name of a definition can hold. Made by {@link uint}, {@link oneOf}, {@link text}, {@link timestamp} or {@link uuid}. */
export interface Field<T> {
  /** As in `uint(0, 9999)`, for errors. */
  readonly type: string
  /** Not there when running: it is the type of its values. */
  readonly [VALUE]?: T
}

/** A whole number from `min` to `max`: `0 <= min <= max < min + 1e14`. As small as its range is. */
export function uint(min: number, max: number): Field<number>

/**
 * One of these values, told apart with `===`. Two need one bit, `oneOf(false, true)` also. A value added later makes
 * another definition: give it another version.
 */
export function oneOf<T extends (string | number | boolean)[]>(...values: T): Field<T[number]>

/**
 * 0 to `max` letters (at most 181) of an alphabet, by default the 67 of `A-Z a-z 0-9 - . _ ~ !`. A small alphabet
 * needs less: 19 letters of `'0123456789'` are 11 characters. Not for Chinese, of which every letter that may occur
 * would have to be in the alphabet: keep such a text on your server, and its id in the scene.
 */
export function text(max: number, letters?: string): Field<string>

/** A date from 1970 to 2099, rounded down to a multiple of `resolution` whole milliseconds. Default 1000, which needs 6 characters. */
export function timestamp(resolution?: number): Field<Date>

/** A UUID in lower case, with its dashes: 22 characters instead of 36. */
export function uuid(): Field<string>

/** What fields hold, by their names. */
export type ValuesOf<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** A definition that fits. */
export interface Scene<V> {
  /** How many characters every scene of this definition has, with one for the version and one for the checksum: 3-32. */
  readonly characters: number

  /**
   * The scene for these values, of characters that WeChat allows and that need no percent-encoding.
   *
   * @throws {@link SceneError} ERR_SCENE_VALUE: a value is missing, unknown, or not of its field
   */
  encode(values: V): string

  /**
   * The values again. `scene` is `query.scene` of `onLoad(query)`, percent-encoded as on some systems or not.
   *
   * @throws {@link SceneError} ERR_SCENE_CORRUPT: not a scene of this definition; a character is wrong, missing or
   * added, or there is none, because the page was not opened by a code
   * @throws {@link SceneError} ERR_SCENE_VERSION: made by another version
   */
  decode(scene: unknown): V
}

/**
 * A definition: the same on your server and in your mini-program, in any order of names. A printed code stays for
 * years: a definition that changes, by as much as a name, needs another version, and the mini-program keeps the old one.
 *
 * @param fields by name
 * @param version 0-66, default 0
 * @throws {@link SceneError} ERR_SCENE_DEFINITION: needs more than 32 characters, or a field can have no value
 */
export function defineScene<F extends Record<string, Field<unknown>>>(fields: F, version?: number): Scene<ValuesOf<F>>

/**
 * Which version made a scene, to choose the definition that reads it: 0-66.
 *
 * @throws {@link SceneError} ERR_SCENE_CORRUPT
 */
export function versionOf(scene: unknown): number

/** What went wrong, in English and Chinese. `name` is `SceneError`; it is no class, so `instanceof Error` is all there is. */
export interface SceneError extends Error {
  readonly name: 'SceneError'
  readonly code: 'ERR_SCENE_DEFINITION' | 'ERR_SCENE_VALUE' | 'ERR_SCENE_CORRUPT' | 'ERR_SCENE_VERSION'
  /** The field at fault, or `scene`, `version`, `characters`, `uint(5, 1)`. */
  readonly param: string
}
