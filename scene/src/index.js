'use strict'

/**
 * 67 of the characters that WeChat allows, chosen to arrive as they left by every way.
 * - RFC 3986 calls the first 66 unreserved: they mean nothing in a URL, so the simplest parser of `pages/a?scene=...`
 *   reads them right, and they are the same encoded and not. `!` is left alone by encodeURIComponent too.
 * - No %, so decoding changes nothing, however often it is done. No +, which some decoders make a space.
 * - No & ' < >, which some JSON encoders write as \u0026 and so on, and WeChat refuses that.
 * - 67 is a prime, for the checksum.
 */
var ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!'
var BASE = 67
var HEX = '0123456789abcdef'

/** The code of an error, after ERR_SCENE_, that five places throw. */
var DEFINITION = 'DEFINITION'

/** WeChat's limit. */
var MAX_CHARACTERS = 32
/** A digit times a radix has to be exact: 67 * 1e14 < 2^53. */
var MAX_RADIX = 1e14
/** 2100 in UTC, in ms. */
var END = 4102444800000
/** A text that can be longer fits no scene, whatever its letters. */
var MAX_LETTERS = 181

// What a definition has for each name:

exports.oneOf = function () {
  /** @type {unknown[]} */
  var values = [].slice.call(arguments)
  return field(
    'oneOf(' + values + ')',
    values.length,
    1,
    function (value) {
      return [values.indexOf(value)]
    },
    function (parts) {
      return values[parts[0]]
    }
  )
}

/**
 * @param {number} min
 * @param {number} max
 */
exports.uint = function (min, max) {
  return field(
    'uint(' + min + ', ' + max + ')',
    isWhole(min) ? max - min + 1 : NaN,
    1,
    function (value) {
      return [isWhole(value) ? value - min : -1]
    },
    function (parts) {
      return min + parts[0]
    }
  )
}

/** @param {number} [resolution] in ms */
exports.timestamp = function (resolution) {
  var step = resolution === undefined ? 1000 : resolution
  return field(
    'timestamp(' + step + ')',
    isWhole(step) ? Math.ceil(END / step) : NaN,
    1,
    function (value) {
      return [value instanceof Date && +value >= 0 ? Math.floor(+value / step) : -1]
    },
    function (parts) {
      return new Date(parts[0] * step)
    }
  )
}

exports.uuid = function () {
  return field(
    'uuid()',
    16,
    32,
    function (value) {
      return isString(value) && /^\w{8}(-\w{4}){4}\w{8}$/.test(value) ? indexesOf(value.replace(/-/g, ''), HEX) : [-1]
    },
    function (parts) {
      return lettersAt(parts, HEX).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    }
  )
}

/**
 * @param {number} max
 * @param {string} [letters]
 */
exports.text = function (max, letters) {
  var given = String(letters || ALPHABET)
  // The first is for what comes after a text has ended.
  var known = [''].concat(given.split(''))
  return field(
    'text(' + max + ', ' + given + ')',
    isWhole(max) && max <= MAX_LETTERS ? known.length : NaN,
    max,
    function (value) {
      return indexesOf(value, known)
    },
    function (parts) {
      return lettersAt(parts, known)
    }
  )
}

/**
 * @typedef {object} Field
 * @property {string} type what values it has, for errors
 * @property {number} radix how many values each part has
 * @property {number} count how many parts there are
 * @property {(value: any) => number[]} write the parts of a value, 0 for those after the last; [-1] if it is not of the type
 * @property {(parts: number[]) => any} read the value again
 */

/**
 * @param {string} type
 * @param {number} radix
 * @param {number} count
 * @param {(value: any) => number[]} write
 * @param {(parts: number[]) => any} read
 * @returns {Field}
 */
function field(type, radix, count, write, read) {
  if (!(isWhole(radix) && radix * count && radix <= MAX_RADIX))
    throw isNot(DEFINITION, type, radix * count, '1-1e14 values')
  return { type: type, radix: radix, count: count, write: write, read: read }
}

// A scene is its version, one number that all values make, and a checksum:

/**
 * @param {Record<string, Field>} fields
 * @param {number} [version]
 */
exports.defineScene = function (fields, version) {
  var own = version || 0
  if (!isWhole(own) || own >= BASE) throw isNot(DEFINITION, 'version', own, '0-66')
  // Not in the order of the definition, which a server and a mini-program may write down differently.
  var names = Object.keys(Object(fields)).sort()
  var size = 0
  size = pack().length
  var characters = size + 2
  if (!size || characters > MAX_CHARACTERS) throw isNot(DEFINITION, 'characters', characters, '3-32')
  return { characters: characters, encode: encode, decode: decode }

  /** @param {Record<string, unknown>} values */
  function encode(values) {
    for (var name in values) if (names.indexOf(name) < 0) throw isNot('VALUE', name, name, names)
    var digits = [own].concat(pack(Object(values)))
    return lettersAt(digits.concat(checksum(digits)), ALPHABET)
  }

  /** @param {unknown} scene */
  function decode(scene) {
    var digits = open(scene)
    var made = digits.shift()
    if (made !== own) throw isNot('VERSION', 'version', made, own)
    var number = digits.slice()
    /** @type {Record<string, unknown>} */
    var values = {}
    for (var i = names.length; i--; ) {
      var given = fields[names[i]]
      var parts = []
      while (parts.length < given.count) parts.unshift(pop(number, given.radix))
      values[names[i]] = given.read(parts)
    }
    // What these values do not make was not made of values.
    if (pack(values).join() !== digits.join()) throw isDamaged(scene)
    return values
  }

  /**
   * The number that values make, or, without any, the largest.
   *
   * @param {any} [values]
   */
  function pack(values) {
    /** @type {number[]} */
    var number = []
    names.forEach(function (name) {
      var given = fields[name]
      if (!Object(given).write) throw isNot(DEFINITION, name, given, 'uint()...')
      var parts = values ? given.write(values[name]) : []
      for (var i = 0; i < given.count; i++) {
        var part = values ? parts[i] || 0 : given.radix - 1
        if (part < 0 || part >= given.radix || parts.length > given.count)
          throw isNot('VALUE', name, values[name], given.type)
        push(number, given.radix, part)
      }
    })
    while (number.length < size) number.push(0)
    return number
  }
}

/** @param {unknown} scene */
exports.versionOf = function (scene) {
  return open(scene)[0]
}

/**
 * The digits of a scene as a mini-program gets it: percent-encoded (iOS), not (Android), or twice.
 *
 * @param {unknown} scene
 */
function open(scene) {
  var text = /** @type {string} */ (scene)
  try {
    for (var times = 2; times--; ) text = decodeURIComponent(text)
  } catch (_) {
    // A % that encodes nothing is not in the alphabet either, and what is no text has no letters.
  }
  var digits = indexesOf(text, ALPHABET)
  if (digits.pop() !== checksum(digits) || digits.indexOf(-1) >= 0 || digits.length < 2) throw isDamaged(scene)
  return digits
}

/**
 * The last character. Each place before it has a weight of its own, from 1 to at most 31. A wrong character changes the
 * sum by its weight times a difference, two that changed places by a difference of weights times one of characters: as
 * the last counts -1, also by that of 31 and -1. Neither factor is a multiple of BASE, and BASE is a prime, so the
 * product is none: every such change is noticed.
 *
 * @param {number[]} digits
 */
function checksum(digits) {
  return (
    digits.reduce(function (sum, digit, i) {
      return sum + digit * (digits.length - i)
      // 1, so that a row of zeros is not right.
    }, 1) % BASE
  )
}

// A number of any size is an array of its digits, the lowest first: ES5 has no BigInt. Parts are pushed onto it and
// popped off again, each with its radix. So not a bit is lost between them.

/**
 * @param {number[]} number becomes number * radix + part
 * @param {number} radix
 * @param {number} part
 */
function push(number, radix, part) {
  for (var i = 0; i < number.length || part; i++) {
    part += (number[i] || 0) * radix
    number[i] = part % BASE
    part = (part - number[i]) / BASE
  }
}

/**
 * @param {number[]} number becomes number / radix
 * @param {number} radix
 * @returns {number} the part that was pushed last
 */
function pop(number, radix) {
  return number.reduceRight(function (part, digit, i) {
    part = part * BASE + digit
    number[i] = Math.floor(part / radix)
    return part % radix
  }, 0)
}

/**
 * -1 for a letter that is not in the alphabet, and for what is no text.
 *
 * @param {unknown} text
 * @param {string | string[]} alphabet
 */
function indexesOf(text, alphabet) {
  return isString(text)
    ? text.split('').map(function (letter) {
        return alphabet.indexOf(letter)
      })
    : [-1]
}

/**
 * @param {number[]} indexes
 * @param {string | string[]} alphabet
 */
function lettersAt(indexes, alphabet) {
  return indexes
    .map(function (index) {
      return alphabet[index]
    })
    .join('')
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isWhole(value) {
  return typeof value === 'number' && value >= 0 && value % 1 === 0
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isString(value) {
  return typeof value === 'string'
}

/** @param {unknown} scene */
function isDamaged(scene) {
  return isNot('CORRUPT', 'scene', scene, 'a full scene', '完整的 scene')
}

/**
 * A SceneError. It has no class: none of ES5 could extend Error.
 *
 * @param {string} code what follows ERR_SCENE_
 * @param {string} name of the parameter at fault
 * @param {unknown} value
 * @param {unknown} en what it should be
 * @param {string} [zh]
 */
function isNot(code, name, value, en, zh) {
  // A damaged scene may be of any length.
  var short = isString(value) ? JSON.stringify(value.slice(0, 99)) : value
  var shown = Object(short) === short ? typeof short : String(short)
  /** @type {Error & { code?: string, param?: string }} */
  var error = Error(name + ': ' + shown + ' is not ' + en + ' | ' + shown + ' 不是 ' + (zh || en))
  error.name = 'SceneError'
  error.code = 'ERR_SCENE_' + code
  error.param = name
  return error
}
