/** The least that is a whole JPEG: its start, a comment, a scan, its end. */
export const JPEG = Buffer.from('ffd8fffe00046162ffda00020000ffd9', 'hex')
