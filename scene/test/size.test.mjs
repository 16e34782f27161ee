import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createContext, runInContext } from 'node:vm'
import { parse } from 'acorn'
import { minify } from 'terser'
import { suite } from '../../__test__/support/suite.mjs'

const source = readFileSync(createRequire(import.meta.url).resolve('wxacode-scene'), 'utf8')

/** What ES5 (ECMA-262, 5.1) has. RegExp.prototype is left out: V8's String.prototype needs what is newer in it. */
const ES5 = {
  globalThis:
    'Object Function Array String Boolean Number Date RegExp Error EvalError RangeError ReferenceError SyntaxError TypeError URIError Math JSON NaN Infinity undefined eval parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent',
  Object:
    'length name prototype getPrototypeOf getOwnPropertyDescriptor getOwnPropertyNames create defineProperty defineProperties seal freeze preventExtensions isSealed isFrozen isExtensible keys',
  Array: 'length name prototype isArray',
  Number: 'length name prototype MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY',
  String: 'length name prototype fromCharCode',
  Math: 'E LN10 LN2 LOG2E LOG10E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min pow random round sin sqrt tan',
  'Array.prototype':
    'constructor length toString toLocaleString concat join pop push reverse shift slice sort splice unshift indexOf lastIndexOf every some forEach map filter reduce reduceRight',
  'String.prototype':
    'constructor length toString valueOf charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice split substring toLowerCase toLocaleLowerCase toUpperCase toLocaleUpperCase trim',
}

suite('wxacode-scene in a mini-program', (test) => {
  test('is under 3 KB minified', async () => {
    const { code } = await minify(source, { toplevel: true, ecma: 5, compress: { passes: 3 } })
    assert.ok(Buffer.byteLength(code) < 3 * 1024, `${Buffer.byteLength(code)} bytes`)
  })

  test('is ES5, and one file that needs no other', () => {
    parse(source, { ecmaVersion: 5, sourceType: 'script' })
    assert.doesNotMatch(source, /\brequire\(/)
  })

  test('runs where there is nothing but ES5', async () => {
    const { code } = await minify(source, { toplevel: true, ecma: 5 })
    for (const text of [source, code]) {
      const context = createContext({})
      runInContext(`(${keepOnly})(${JSON.stringify(ES5)})`, context)
      assert.equal(
        runInContext('[typeof Map, typeof [].includes, typeof "".repeat].join()', context),
        'undefined,undefined,undefined',
      )
      runInContext(`var exports = {}; ${text}`, context)
      const read = runInContext(
        `(function (s) {
          var scene = s.defineScene({ id: s.uuid(), f: s.oneOf('a', true), n: s.uint(0, 9), t: s.timestamp(), x: s.text(3, 'ab') }, 2)
          var values = { id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', f: true, n: 3, t: new Date(1e12), x: 'ab' }
          try { scene.encode({}) } catch (error) { var refused = error.message }
          return JSON.stringify([scene.decode(encodeURIComponent(scene.encode(values))), refused])
        })(exports)`,
        context,
      )
      assert.deepEqual(JSON.parse(read), [
        { id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', f: true, n: 3, t: '2001-09-09T01:46:40.000Z', x: 'ab' },
        'f: undefined is not oneOf(a,true) | undefined 不是 oneOf(a,true)',
      ])
    }
  })
})

/** Runs in the other context, and deletes all other names there. */
function keepOnly(known) {
  // Found before anything is gone.
  const unknown = Object.keys(known).flatMap((path) => {
    const owner =
      path === 'globalThis' ? globalThis : path.split('.').reduce((object, name) => object[name], globalThis)
    return Reflect.ownKeys(owner)
      .filter((name) => typeof name === 'symbol' || !known[path].split(' ').includes(name))
      .map((name) => [owner, name])
  })
  for (let i = 0; i < unknown.length; i++) delete unknown[i][0][unknown[i][1]]
}
