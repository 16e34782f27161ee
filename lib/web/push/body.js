'use strict'

/**
 * @typedef {object} Upload what came of a body
 * @property {'whole' | 'over' | 'slow' | 'gone'} end `over` if there is more than a push has, `gone` if the sender has left
 * @property {Uint8Array} bytes one more than a push has where it is `over`, so that it is refused for its size
 */

/** More than any push of WeChat's has. `receivePush` has the same limit. */
const MAX_BYTES = 64 * 1024
/** WeChat waits 5 s for an answer: who takes longer is somebody else. */
const MAX_MS = 10_000

/**
 * Collects a body up to the limits.
 *
 * @param {(end: Upload['end']) => void} onEnd called once
 */
function createUpload(onEnd) {
  /** @type {Uint8Array[]} */
  const chunks = []
  let size = 0
  let isOver = false
  const timer = setTimeout(() => end('slow'), MAX_MS)
  /** @param {Upload['end']} how */
  function end(how) {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    onEnd(how)
  }
  return {
    end,
    bytes: () => Buffer.concat(chunks),
    /** @param {Uint8Array} chunk */
    add(chunk) {
      if (isOver) return
      const part = chunk.subarray(0, MAX_BYTES + 1 - size)
      chunks.push(part)
      size += part.length
      if (size > MAX_BYTES) end('over')
    },
  }
}

/**
 * Reads the body of a request of node:http.
 *
 * @param {import('node:http').IncomingMessage} req
 * @returns {Promise<Upload>}
 */
function readStream(req) {
  return new Promise((resolve) => {
    const upload = createUpload((end) => {
      req.off('data', onData).off('end', onEnd).off('close', onGone)
      req.pause()
      resolve({ end, bytes: upload.bytes() })
    })
    const onData = (/** @type {Buffer} */ chunk) => upload.add(chunk)
    const onEnd = () => upload.end('whole')
    const onGone = () => upload.end('gone')
    // An upload that breaks off later is an error too, which nobody else may listen to.
    req.on('error', onGone)
    req.on('data', onData).on('end', onEnd).on('close', onGone)
    if (req.destroyed) onGone()
  })
}

/**
 * Reads the body of a `Request`.
 *
 * @param {Request} request
 * @returns {Promise<Upload>}
 */
function readRequest(request) {
  return new Promise((resolve) => {
    const reader = request.body?.getReader()
    const upload = createUpload((end) => {
      resolve({ end, bytes: upload.bytes() })
      // A stream that has ended or failed is not cancelled, and says so.
      reader?.cancel().catch(() => {})
    })
    if (reader === undefined) upload.end('whole')
    else readAll(reader, upload)
  })
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {ReturnType<typeof createUpload>} upload
 */
async function readAll(reader, upload) {
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return upload.end('whole')
      upload.add(value)
    }
  } catch {
    upload.end('gone')
  }
}

module.exports = { readRequest, readStream }
