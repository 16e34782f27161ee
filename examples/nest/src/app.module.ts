import { Module } from '@nestjs/common'
import { TerminusModule } from '@nestjs/terminus'
import { WxaCodeModule } from 'wxacode-nest'
import { CodesController } from './codes/codes.controller.js'
import { ShopsService } from './codes/shops.service.js'
import { HealthController } from './health/health.controller.js'

@Module({
  imports: [WxaCodeModule.forRoot({ cache: true, ready: true }), TerminusModule],
  controllers: [CodesController, HealthController],
  providers: [ShopsService],
})
export class AppModule {}
