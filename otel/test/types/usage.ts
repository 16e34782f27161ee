// That the types say what the package takes. Only compiled.

import { type Instrumentation, registerInstrumentations } from '@opentelemetry/instrumentation'
import { WxaCodeInstrumentation } from 'wxacode-otel'

const instrumentations: Instrumentation[] = [
  new WxaCodeInstrumentation(),
  new WxaCodeInstrumentation({ enabled: false }),
]
const disable: () => void = registerInstrumentations({ instrumentations })
disable()

// @ts-expect-error enabled is true or false
new WxaCodeInstrumentation({ enabled: 'no' })
