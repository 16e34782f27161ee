// wxacode's module is its class (`export =`). The documentation lists it by the name of the class and not as `export=`, and
// without the other names that it has.

import { Converter, ReflectionKind } from 'typedoc'

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const names of project.getReflectionsByKind(ReflectionKind.Namespace)) {
      // Its members are types of the module, which are imported from lib/types.
      if (names.name === 'export=') project.mergeReflections(names, /** @type {any} */ (names.parent))
    }
    const entries = project
      .getReflectionsByKind(ReflectionKind.Class)
      .filter((reflection) => reflection.name === 'export=')
    for (const entry of entries) {
      entry.name = 'WxaCode'
      for (const signature of project.getReflectionsByKind(ReflectionKind.ConstructorSignature)) {
        if (signature.parent?.parent === entry) signature.name = 'WxaCode'
      }
      for (const reference of project.getReflectionsByKind(ReflectionKind.Reference)) {
        if (/** @type {import('typedoc').ReferenceReflection} */ (reference).tryGetTargetReflection() === entry)
          project.removeReflection(reference)
      }
    }
  })
}
