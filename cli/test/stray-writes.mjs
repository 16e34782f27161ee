import { writeSync } from 'node:fs'
import process from 'node:process'

/** Loaded into a child: a write to stdout or stderr outside cli/src/terminal.js is reported, and the child ends. */
const ALLOWED = /\/cli\/src\/terminal\.js|\/node_modules\/cli-progress\//

Error.stackTraceLimit = 50
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream)
  stream.write = (...args) => {
    const { stack } = new Error('who writes?')
    if (!ALLOWED.test(stack)) {
      writeSync(2, `STRAY WRITE ${stack}`)
      process.exit(99)
    }
    return write(...args)
  }
}

// What Node prints by itself, as soon as the command line has begun.
process.on('newListener', (event) => {
  if (event !== 'uncaughtException') return
  const { NODE_WARNS, NODE_THROWS } = process.env
  if (NODE_WARNS) setImmediate(() => process.emitWarning(NODE_WARNS))
  if (NODE_THROWS) {
    setImmediate(() => {
      throw new Error(NODE_THROWS)
    })
  }
})
