import { Controller, Get } from '@nestjs/common'
import { HealthCheck, HealthCheckService } from '@nestjs/terminus'
import { WxaCode } from 'wxacode'
import { WxaCodeHealthIndicator } from 'wxacode-nest'

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly wxacode: WxaCodeHealthIndicator,
    private readonly wxa: WxaCode,
  ) {}

  /** For a readiness probe. It sends no request to WeChat. */
  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.wxacode.isHealthy('wxacode', this.wxa, { requireToken: true })])
  }
}
