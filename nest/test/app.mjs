import 'reflect-metadata'
import { Controller, Get, Inject, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { WxaCodeHealthIndicator } from 'wxacode-nest'

export { failure, setup, suite, times } from '../../__test__/support/suite.mjs'

/** Applies decorators as TypeScript does. */
function decorate(Class, decorators, params, methods = {}) {
  for (const [n, decorator] of params.entries()) decorator(Class, undefined, n)
  for (const [name, of] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name)
    for (const decorator of of) decorator(Class.prototype, name, descriptor)
  }
  for (const decorator of decorators) decorator(Class)
  return Class
}

/** A module of an application, with these imports and providers. */
export const moduleOf = (metadata, Class = class AppModule {}) => decorate(Class, [Module(metadata)], [])

/** A controller whose GET gives what `answer` makes of what is injected by the decorators. */
export function controllerOf(path, injected, answer) {
  class One {
    constructor(...given) {
      this.given = given
    }
    get() {
      return answer(...this.given)
    }
  }
  return decorate(One, [Controller(path)], injected, { get: [Get()] })
}

/** A controller of `/health`, with what the indicator says of an injected client. */
export const healthOf = (injected, options) =>
  controllerOf(
    'health',
    [Inject(HealthCheckService), Inject(WxaCodeHealthIndicator), injected],
    (health, own, client) => health.check([() => own.isHealthy('wxacode', client, options)]),
  )

export { TerminusModule }

/** An application that listens, until the test ends. `get` gives the status and the body of an answer. */
export async function startApp(t, metadata) {
  const app = await NestFactory.create(moduleOf(metadata), { logger: false, abortOnError: false })
  t.after(() => app.close())
  await app.listen(0, '127.0.0.1')
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}`
  const get = async (path) => {
    const response = await fetch(url + path)
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, body: isJson ? await response.json() : Buffer.from(await response.arrayBuffer()) }
  }
  return { app, get }
}

/** What starting such an application rejects with. */
export async function startFailure(t, metadata) {
  return startApp(t, metadata).then(
    () => {
      throw new Error('it started')
    },
    (error) => error,
  )
}
