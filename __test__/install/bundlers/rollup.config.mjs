import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import resolve from '@rollup/plugin-node-resolve'

export default {
  input: 'program.js',
  plugins: [resolve({ preferBuiltins: true }), commonjs(), json()],
  external: process.env.EXTERNAL && [/^wxacode/],
}
