import { Controller, Get, Module, Param, StreamableFile } from '@nestjs/common'
import type { WxaCode } from 'wxacode'
import { InjectWxaCode, WxaCodeModule } from 'wxacode-nest'

@Controller('posters')
export class PostersController {
  constructor(
    @InjectWxaCode() private readonly shop: WxaCode,
    @InjectWxaCode('members') private readonly members: WxaCode,
  ) {}

  @Get('shop/:id')
  async ofShop(@Param('id') id: string) {
    return new StreamableFile(await this.shop.getUnlimitedQRCode({ scene: `id=${id}` }), { type: 'image/jpeg' })
  }

  @Get('member/:id')
  async ofMember(@Param('id') id: string) {
    return new StreamableFile(await this.members.getUnlimitedQRCode({ scene: `m=${id}` }), { type: 'image/jpeg' })
  }
}

@Module({
  imports: [
    WxaCodeModule.forRoot({ cache: true }),
    WxaCodeModule.forRootAsync({
      name: 'members',
      useFactory: () => ({ appid: process.env.MEMBERS_APPID, secret: process.env.MEMBERS_SECRET, ready: true }),
    }),
  ],
  controllers: [PostersController],
})
export class PostersModule {}
