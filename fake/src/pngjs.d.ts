declare module 'pngjs' {
  interface Image {
    width: number
    height: number
    data: Uint8Array
  }
  export const PNG: { sync: { write(image: Image, options: { filterType: number; deflateStrategy: number }): Buffer } }
}
