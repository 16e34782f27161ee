declare module 'pngjs' {
  const pngjs: {
    PNG: { sync: { write(image: { width: number; height: number; data: Uint8Array }): Buffer } }
  }
  export default pngjs
}
