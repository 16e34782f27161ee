export default {
  output: 'standalone',
  distDir: process.env.DIST_DIR,
  serverExternalPackages: process.env.BUNDLED ? [] : ['wxacode'],
}
