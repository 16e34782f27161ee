/**
 * WeChat mini-program codes in Nest: clients by injection, several accounts, health checks, and a shutdown that loses no code.
 *
 * @module wxacode-nest
 */

import type { DynamicModule, FactoryProvider, InjectionToken, ModuleMetadata, Type } from '@nestjs/common'
import type { WxaCode, WxaCodeOptions, WxaPlatform, WxaPlatformOptions } from 'wxacode'

/** How a client or a platform lives in the application. */
export interface LifecycleOptions {
  /**
   * Maximum time that the application's shutdown waits for running calls and batches, in milliseconds. More than 0, at most 86400000 (a
   * day). After that they fail with `ERR_WXA_CLOSED`. Accounts are closed one after the other.
   *
   * @defaultValue 10000
   */
  shutdownTimeoutMs?: number
}

/** Where a client or a platform is visible, and under which name. */
export interface RegistrationOptions {
  /**
   * Name of the account, for `InjectWxaCode(name)` or `InjectWxaPlatform(name)`.
   *
   * @defaultValue none: it is injected by its class
   */
  name?: string
  /**
   * Whether every module of the application can inject it. With `false` only those that import this module can.
   *
   * @defaultValue true
   */
  isGlobal?: boolean
}

/** Options of a client. What is absent comes from the environment, as in `WxaCode.fromEnv`. */
export interface WxaCodeModuleOptions extends Partial<WxaCodeOptions>, LifecycleOptions {
  /**
   * Whether the start of the application fetches the access token (`wxa.ready()`), and fails with its error: a wrong AppSecret (40125), an
   * IP address that is not on the whitelist (40164), no network. With a good token it sends no request to WeChat.
   *
   * @defaultValue false
   */
  ready?: boolean
}

/** Options of a platform. */
export interface WxaPlatformModuleOptions extends WxaPlatformOptions, LifecycleOptions {}

/** A class for `useClass` and `useExisting` of {@link WxaCodeModule.forRootAsync}. */
export interface WxaCodeOptionsFactory {
  /** Makes the options, once, at the start. */
  createWxaCodeOptions(): WxaCodeModuleOptions | Promise<WxaCodeModuleOptions>
}

/** A class for `useClass` and `useExisting` of {@link WxaCodeModule.forPlatformAsync}. */
export interface WxaPlatformOptionsFactory {
  /** Makes the options, once, at the start. */
  createWxaPlatformOptions(): WxaPlatformModuleOptions | Promise<WxaPlatformModuleOptions>
}

/** Where options come from: one of `useFactory`, `useClass` and `useExisting`. */
export interface AsyncOptions<Options, Factory> extends RegistrationOptions, Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` gets. */
  inject?: FactoryProvider['inject']
  /** A function that returns the options. */
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is known to who writes the function
  useFactory?: (...injected: any[]) => Options | Promise<Options>
  /** A class that makes the options. This module makes an instance of it. */
  useClass?: Type<Factory>
  /** A provider, of `imports` or of a global module, that makes the options. */
  useExisting?: Type<Factory>
}

/**
 * Provides clients and platforms, and closes them when the application shuts down. On a signal that needs `app.enableShutdownHooks()`.
 *
 * @example
 * ```ts
 * @Module({ imports: [WxaCodeModule.forRoot({ cache: true, ready: true })] })
 * export class AppModule {}
 * ```
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export declare class WxaCodeModule {
  /**
   * Provides a client.
   *
   * @throws `InvalidParamsError` at the start of the application for an invalid option of the client; TypeError for one of this module
   */
  static forRoot(options?: WxaCodeModuleOptions & RegistrationOptions): DynamicModule
  /**
   * Provides a client whose options come from another provider.
   *
   * @throws as {@link forRoot} does; TypeError without `useFactory`, `useClass` and `useExisting`
   */
  static forRootAsync(from: AsyncOptions<WxaCodeModuleOptions, WxaCodeOptionsFactory>): DynamicModule
  /**
   * Provides a third-party platform.
   *
   * @throws as {@link forRoot} does
   */
  static forPlatform(options: WxaPlatformModuleOptions & RegistrationOptions): DynamicModule
  /**
   * Provides a third-party platform whose options come from another provider.
   *
   * @throws as {@link forRootAsync} does
   */
  static forPlatformAsync(from: AsyncOptions<WxaPlatformModuleOptions, WxaPlatformOptionsFactory>): DynamicModule
}

/** Injects the client of that name; without a name the same as the class `WxaCode`. */
export declare function InjectWxaCode(name?: string): PropertyDecorator & ParameterDecorator

/** Injects the platform of that name; without a name the same as the class `WxaPlatform`. */
export declare function InjectWxaPlatform(name?: string): PropertyDecorator & ParameterDecorator

/** Returns the token of a client, for `inject`, `moduleRef.get()` and `overrideProvider()`. */
export declare function getWxaCodeToken(name?: string): InjectionToken<WxaCode>

/** Returns the token of a platform. */
export declare function getWxaPlatformToken(name?: string): InjectionToken<WxaPlatform>

/** When a client counts as down. */
export interface HealthOptions {
  /**
   * Whether a client without a token is down. A token is fetched by the first call, or with {@link WxaCodeModuleOptions.ready}.
   *
   * @defaultValue false
   */
  requireToken?: boolean
  /**
   * Whether a client whose Redis does not answer is down. Its calls work without Redis, unless its token is `'classic'`.
   *
   * @defaultValue false
   */
  requireRedis?: boolean
}

/** Details of a health check, from `stats()`. What does not apply is absent. */
export type HealthDetails = {
  /** Whether it works. */
  status: 'up' | 'down'
  /** How long ago the present token was first handed out, in milliseconds. */
  tokenAgeMs?: number
  /** Whether Redis answers. */
  redis?: 'up' | 'down'
  /** How long ago the platform's last ticket came, in milliseconds. */
  ticketAgeMs?: number
  /** Whether WeChat has refused the platform's ticket. */
  ticketRefused?: boolean
  /** Whether the platform's store answers. */
  store?: 'up' | 'down'
  /** Records of the platform that wait to be saved. */
  unsaved?: number
}

/** A health indicator for `@nestjs/terminus`. It reads `stats()` and sends no request, neither to WeChat nor to Redis. */
export declare class WxaCodeHealthIndicator {
  /**
   * Returns the state of a client or a platform. A platform is down if its store does not answer, if WeChat has refused its ticket, or if
   * it is closed.
   *
   * @example
   * ```ts
   * this.health.check([() => this.wxacode.isHealthy('wxacode', this.wxa)])
   * ```
   */
  isHealthy<Key extends string>(
    key: Key,
    client: WxaCode | WxaPlatform,
    options?: HealthOptions,
  ): Record<Key, HealthDetails>
}
