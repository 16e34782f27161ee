import { Module } from '@nestjs/common'
import { CodesController } from './codes/codes.controller.js'
import { ShopsService } from './codes/shops.service.js'
import { WxaCodeModule } from './wxacode/wxacode.module.js'

@Module({
  imports: [WxaCodeModule.forRoot({ cache: true })],
  controllers: [CodesController],
  providers: [ShopsService],
})
export class AppModule {}
