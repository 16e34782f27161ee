'use strict'

const { Module } = require('@nestjs/common')
const { WxaCode, WxaPlatform } = require('wxacode')
const { WxaCodeHealthIndicator } = require('./health')
const { Lifecycle, clientOptions, wrong } = require('./lifecycle')
const { getWxaCodeToken, getWxaPlatformToken } = require('./tokens')

/**
 * What the module makes: how, and under which token.
 *
 * @typedef {object} Kind
 * @property {(options: any, name?: string) => any} make
 * @property {(name?: string) => any} tokenOf
 * @property {string} method of a class that makes options
 */

/** @type {Kind} */
const CLIENT = {
  make: (options, name) => WxaCode.fromEnv(name === undefined ? options : ofNamed(options)),
  tokenOf: getWxaCodeToken,
  method: 'createWxaCodeOptions',
}

/** @type {Kind} */
const PLATFORM = {
  make: (options) => new WxaPlatform(options),
  tokenOf: getWxaPlatformToken,
  method: 'createWxaPlatformOptions',
}

/**
 * The options of an account with a name: the environment has the AppID and the AppSecret of the one without. An empty string is
 * as good as none, and `fromEnv` looks for none then.
 *
 * @param {any} options
 */
const ofNamed = (options) => ({ ...options, appid: options.appid ?? '', secret: options.secret ?? '' })

// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
class WxaCodeModule {
  static forRoot(options = {}) {
    return fixed(CLIENT, options)
  }

  /** @param {any} from */
  static forRootAsync(from) {
    return dynamic(CLIENT, from)
  }

  /** @param {any} options */
  static forPlatform(options) {
    return fixed(PLATFORM, options)
  }

  /** @param {any} from */
  static forPlatformAsync(from) {
    return dynamic(PLATFORM, from)
  }
}

/**
 * @param {Kind} kind
 * @param {any} options
 */
function fixed(kind, { name, isGlobal, ...options }) {
  return dynamic(kind, { name, isGlobal, useFactory: () => options })
}

/**
 * @param {Kind} kind
 * @param {any} from
 */
function dynamic({ make, tokenOf, method }, { name, isGlobal = true, imports, ...from }) {
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw wrong('name', 'a string that is not empty', '非空字符串')
  const token = tokenOf(name)
  // Of this module alone, and of no name that an application could use.
  const options = Symbol('options')
  return {
    module: WxaCodeModule,
    global: isGlobal,
    imports,
    providers: [
      ...optionsFrom(from, options, method),
      {
        provide: token,
        inject: [options],
        useFactory: (/** @type {any} */ given) => make(clientOptions(given), name),
      },
      {
        provide: Symbol('lifecycle'),
        inject: [token, options],
        useFactory: (/** @type {any} */ client, /** @type {any} */ given) => new Lifecycle(client, given),
      },
      WxaCodeHealthIndicator,
    ],
    exports: [token, WxaCodeHealthIndicator],
  }
}

/**
 * The providers of the options.
 *
 * @param {any} from
 * @param {symbol} provide
 * @param {string} method
 */
function optionsFrom({ inject = [], useFactory, useClass, useExisting }, provide, method) {
  if (useFactory) return [{ provide, inject, useFactory }]
  const maker = useExisting ?? useClass
  if (!maker)
    throw wrong(
      'the source of the options',
      'useFactory, useClass or useExisting',
      ' useFactory、useClass 或 useExisting',
    )
  const options = {
    provide,
    inject: [maker],
    useFactory: (/** @type {any} */ instance) => instance[method](),
  }
  return useExisting ? [options] : [{ provide: maker, useClass: maker }, options]
}

Module({})(WxaCodeModule)

module.exports = { WxaCodeModule }
