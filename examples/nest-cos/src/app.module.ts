import { Module } from '@nestjs/common'
import { WxaCodeModule } from 'wxacode-nest'
import { CodesController } from './codes/codes.controller.js'
import { CodesService } from './codes/codes.service.js'
import { BUCKET, bucketFromEnv } from './codes/cos.js'

@Module({
  imports: [WxaCodeModule.forRoot({ ready: true })],
  controllers: [CodesController],
  providers: [CodesService, { provide: BUCKET, useFactory: bucketFromEnv }],
})
export class AppModule {}
