declare module 'pngjs' {
  export const PNG: { sync: { write(image: { width: number; height: number; data: Uint8Array }): Buffer } }
}
