import { crc32 } from 'node:zlib'

/** What the comment of a JPEG or PNG says, where a round code of the fake has its text; undefined if it has none. */
export const commentIn = (bytes) => (bytes.readUInt32BE(0) === 0x89504e47 ? commentOfPng(bytes) : commentOfJpeg(bytes))

function commentOfJpeg(bytes) {
  for (let at = 2; bytes[at] === 0xff && bytes[at + 1] !== 0xda; ) {
    const end = at + 2 + bytes.readUInt16BE(at + 2)
    if (bytes[at + 1] === 0xfe) return bytes.toString('utf8', at + 4, end)
    at = end
  }
}

function commentOfPng(bytes) {
  for (let at = 8; at < bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at)
    const chunk = bytes.subarray(at + 4, end)
    if (crc32(chunk) !== bytes.readUInt32BE(end)) throw new Error(`the checksum of the chunk at ${at} is wrong`)
    const [, text] = /^iTXtComment\0{5}(.*)$/s.exec(chunk.toString()) ?? []
    if (text !== undefined) return text
    at = end + 4
  }
}
