declare module 'pngjs' {
  interface Image {
    width: number
    height: number
    data: Uint8Array
  }
  export const PNG: {
    sync: {
      read(data: Buffer): Image
      write(image: Image, options: { filterType: number; deflateStrategy: number }): Buffer
    }
  }
}
