export default ({ mode }) => ({
  build: { ssr: 'program.js', outDir: `dist/vite-${mode}` },
  ssr: { noExternal: mode === 'bundled' ? true : undefined },
})
