module.exports = ({ external }) => ({
  mode: 'production',
  target: 'node',
  entry: './program.js',
  output: { path: `${__dirname}/dist/webpack`, filename: external ? 'external.cjs' : 'bundled.cjs' },
  ...(external && { externalsType: 'commonjs', externals: [/^wxacode/] }),
})
