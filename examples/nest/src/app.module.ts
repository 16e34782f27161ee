import { Module } from '@nestjs/common'
import { CodesController } from './codes/codes.controller.js'
import { ShopsService } from './codes/shops.service.js'
import { WxaCodeModule } from './wxacode/wxacode.module.js'

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl } = process.env

@Module({
  imports: [WxaCodeModule.forRoot({ appid, secret, baseUrl })],
  controllers: [CodesController],
  providers: [ShopsService],
})
export class AppModule {}
