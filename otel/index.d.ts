/**
 * OpenTelemetry for wxacode: spans of calls and of their requests to WeChat, and metrics.
 *
 * @module wxacode-otel
 */

import { InstrumentationBase, type InstrumentationConfig } from '@opentelemetry/instrumentation'

/**
 * Spans and metrics of all clients of wxacode in this thread, of all copies of the package, as CommonJS or as ES modules. It
 * may be made before or after wxacode is loaded: wxacode publishes what it does on `node:diagnostics_channel`, and nothing is
 * patched. Make one per thread.
 *
 * Spans: one of the kind INTERNAL for each call, such as `wxacode getUnlimitedQRCode`, in the context of its caller, and under
 * it one of the kind CLIENT for each HTTP request, by the stable semantic conventions. Metrics: `http.client.request.duration`,
 * `wxacode.call.duration`, `wxacode.call.wait.duration`, `wxacode.token.refresh.duration`, in seconds, and `wxacode.events`. The
 * README has all attributes. None contains a secret: no query, no body, no token.
 *
 * @example
 * ```js
 * registerInstrumentations({ instrumentations: [new WxaCodeInstrumentation()] })
 * ```
 */
export declare class WxaCodeInstrumentation extends InstrumentationBase<InstrumentationConfig> {
  /**
   * @param config `enabled`: whether spans and metrics are made from the start; default true. Otherwise {@link enable} or
   *   `registerInstrumentations` begins with it.
   */
  constructor(config?: InstrumentationConfig)
  /** Nothing: no module is patched. */
  protected init(): undefined
  /** Subscribes to what wxacode publishes. Again, it does nothing. */
  enable(): void
  /** Ends all subscriptions: wxacode builds nothing any more. Calls that are under way get no span. Again, it does nothing. */
  disable(): void
}
