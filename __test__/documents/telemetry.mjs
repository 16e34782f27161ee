import assert from 'node:assert/strict'
import { until } from '../support/until.mjs'

/** What comes of the blocks about OpenTelemetry, Prometheus, pino and Sentry. */
export const OF_TELEMETRY = {
  ConsoleSpanExporter: {
    check: ({ stdout }) => {
      assert.match(stdout, /name: 'wxacode getUnlimitedQRCode'/)
      assert.match(stdout, /'url\.full': 'http:\S+\/wxa\/getwxacodeunlimit'/)
    },
  },
  "from 'prom-client'": {
    more: `await wxa.getUnlimitedQRCode({ scene })
      await wxa.getUnlimitedQRCode({ scene, page: 'pages/new' }).catch(() => {})
      console.log(await register.metrics())`,
    check: ({ stdout }) => {
      assert.match(stdout, /^wxacode_images_total 1$/m)
      assert.match(stdout, /^wxacode_errors_total{code="41030"} 1$/m)
      assert.match(stdout, /^wxacode_token_age_seconds [\d.e-]+$/m)
    },
  },
  "from 'pino'": {
    check: async ({ output }) => {
      // pino writes when it likes.
      const lines = () => output.stdout.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
      assert.ok(await until(() => lines().length === 2))
      const [event, error] = lines()
        .map((line) => JSON.parse(line))
        .sort((one, other) => one.level - other.level)
      assert.deepEqual([event.msg, event.errcode, event.level], ['request.error', 41030, 40])
      assert.deepEqual([error.err.code, error.err.errcode, error.level], ['ERR_WXA_API', 41030, 50])
    },
  },
  "from '@sentry/node'": {
    more: `Sentry.getClient().on('beforeEnvelope', (envelope) => console.log(JSON.stringify(envelope)))
      await Sentry.startSpan({ name: 'GET /code' }, () => wxa.getUnlimitedQRCode({ scene }))
      Sentry.captureException(await wxa.getUnlimitedQRCode({ scene, page: 'pages/new' }).catch((error) => error))
      await Sentry.flush(10_000)`,
    check: ({ stdout }) => {
      assert.match(stdout, /"name":"wxacode getUnlimitedQRCode"/)
      assert.match(stdout, /"fingerprint":\["wxacode","41030"\]/)
    },
  },
}
