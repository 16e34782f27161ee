/**
 * Typed values in the 32 characters of a mini-program code's scene.
 *
 * @module wxacode-scene
 */

// biome-ignore lint/complexity/noUselessEmptyExport: without it all that is declared here is exported, VALUE too
export {}

declare const VALUE: unique symbol

/** Type of a field. Made by {@link uint}, {@link oneOf}, {@link text}, {@link timestamp} or {@link uuid}. */
export interface Field<T> {
  /** The definition, such as `uint(0, 9999)`, for errors. */
  readonly type: string
  /** Type of the values, for TypeScript only: it does not exist at run time. */
  readonly [VALUE]?: T
}

/**
 * A whole number from `min` to `max`, where `0 <= min <= max < min + 1e14`. A smaller range needs fewer characters.
 *
 * @throws {@link SceneError} ERR_SCENE_DEFINITION for another range
 */
export function uint(min: number, max: number): Field<number>

/**
 * One of these values, compared with `===`. Two values need one bit. Adding a value changes the definition: give it another
 * version.
 *
 * @throws {@link SceneError} ERR_SCENE_DEFINITION without values
 */
export function oneOf<T extends (string | number | boolean)[]>(...values: T): Field<T[number]>

/**
 * A text of 0 to `max` letters of an alphabet. A smaller alphabet needs fewer characters: 19 letters of `'0123456789'` need 11.
 * It does not suit Chinese text, because the alphabet would need every possible character: store such a text on your server,
 * and its id in the scene.
 *
 * @param max from 1 to 181
 * @param letters the alphabet; by default the 67 letters `A-Z a-z 0-9 - . _ ~ !`
 * @throws {@link SceneError} ERR_SCENE_DEFINITION for another `max`
 */
export function text(max: number, letters?: string): Field<string>

/**
 * A date from 1970 to 2099, rounded down to a multiple of `resolution`.
 *
 * @param resolution in milliseconds, a whole number; by default 1000, which needs 6 characters
 * @throws {@link SceneError} ERR_SCENE_DEFINITION for another resolution
 */
export function timestamp(resolution?: number): Field<Date>

/** A UUID in lower case with dashes. It needs 22 characters instead of 36. */
export function uuid(): Field<string>

/** Values of the fields of a definition, by name. */
export type ValuesOf<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** Encoder and decoder of a definition. */
export interface Scene<V> {
  /** Length of every scene of this definition in characters: 3 to 32, including one for the version and one for the checksum. */
  readonly characters: number

  /**
   * Encodes values as a scene. It consists of characters that WeChat allows and that need no percent-encoding.
   *
   * @throws {@link SceneError} ERR_SCENE_VALUE if a value is missing, unknown, or invalid for its field
   */
  encode(values: V): string

  /**
   * Decodes a scene.
   *
   * @param scene `query.scene` of `onLoad(query)`; some systems percent-encode it, which makes no difference
   * @throws {@link SceneError} ERR_SCENE_CORRUPT if it is not a scene of this definition: a character is wrong, missing or
   *   added, or there is no scene, because no code opened the page
   * @throws {@link SceneError} ERR_SCENE_VERSION if another version made it
   */
  decode(scene: unknown): V
}

/**
 * Defines a scene. Use the same definition on your server and in your mini-program; the order of names makes no difference.
 * Printed codes remain in use for years: if you change a definition, even a name in it, give it another version, and keep the old
 * definition in the mini-program.
 *
 * @param fields by name
 * @param version 0 to 66, by default 0
 * @throws {@link SceneError} ERR_SCENE_DEFINITION if scenes would need more than 32 characters, or a field can have no value
 */
export function defineScene<F extends Record<string, Field<unknown>>>(fields: F, version?: number): Scene<ValuesOf<F>>

/**
 * Returns the version of a scene, 0 to 66, to choose the definition that decodes it.
 *
 * @throws {@link SceneError} ERR_SCENE_CORRUPT if it is not a scene
 */
export function versionOf(scene: unknown): number

/**
 * An error of this package, with a message in English and Chinese. It is an `Error` with another `name`: there is no class
 * `SceneError` for `instanceof`.
 */
export interface SceneError extends Error {
  /** Always `'SceneError'`. */
  readonly name: 'SceneError'
  /** Whether the definition, a value, the scene or its version is wrong. */
  readonly code: 'ERR_SCENE_DEFINITION' | 'ERR_SCENE_VALUE' | 'ERR_SCENE_CORRUPT' | 'ERR_SCENE_VERSION'
  /** Name of the invalid field, or `scene`, `version`, `characters`, or a definition such as `uint(5, 1)`. */
  readonly param: string
}
