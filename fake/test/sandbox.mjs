import { readFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'

const INDEX = fileURLToPath(new URL('../index.js', import.meta.url))

/**
 * The fake as a test runner loads it: in a realm of its own, with Node's modules and its Buffer from outside. `globals` stand
 * for those of the realm, as fake timers do.
 */
export function loadInSandbox(globals = {}) {
  const context = createContext(Object.defineProperties({ Buffer, process }, Object.getOwnPropertyDescriptors(globals)))
  const modules = new Map()
  const load = (file) => {
    if (modules.has(file)) return modules.get(file).exports
    const module = { exports: {} }
    modules.set(file, module)
    const text = readFileSync(file, 'utf8')
    if (file.endsWith('.json')) {
      module.exports = runInContext(`(${text})`, context)
      return module.exports
    }
    const { resolve } = createRequire(file)
    const require = (name) => (isBuiltin(name) ? process.getBuiltinModule(name) : load(resolve(name)))
    const run = runInContext(`(function (require, module, exports, __filename, __dirname) {${text}\n})`, context, {
      filename: file,
    })
    run(require, module, module.exports, file, dirname(file))
    return module.exports
  }
  return load(INDEX)
}
