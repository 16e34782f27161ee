import {
  type DynamicModule,
  type FactoryProvider,
  Global,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { WxaCode, type WxaCodeOptions } from 'wxacode'

/** One `WxaCode` for the application, injected by its class, and closed when the application shuts down. */
@Global()
@Module({})
export class WxaCodeModule implements OnApplicationShutdown {
  constructor(private readonly wxa: WxaCode) {}

  /** What is not given comes from the environment: `WXACODE_APPID`, `WXACODE_SECRET` and so on. */
  static forRoot(options?: Partial<WxaCodeOptions>): DynamicModule {
    return WxaCodeModule.forRootAsync({ useFactory: () => options ?? {} })
  }

  /** Where the options come from another provider, such as a `ConfigService`. */
  static forRootAsync(
    from: Pick<ModuleMetadata, 'imports'> & Pick<FactoryProvider<Partial<WxaCodeOptions>>, 'inject' | 'useFactory'>,
  ): DynamicModule {
    const client: FactoryProvider<WxaCode> = {
      provide: WxaCode,
      inject: from.inject,
      useFactory: async (...given) => WxaCode.fromEnv(await from.useFactory(...given)),
    }
    return { module: WxaCodeModule, imports: from.imports, providers: [client], exports: [WxaCode] }
  }

  onApplicationShutdown() {
    return this.wxa.close()
  }
}
