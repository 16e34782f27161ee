import { Inject, Injectable } from '@nestjs/common'
import { WxaCode } from 'wxacode'

@Injectable()
export class CodesService {
  constructor(@Inject(WxaCode) private readonly wxacode: WxaCode) {}

  productCode(id: number): Promise<Buffer> {
    return this.wxacode.getUnlimitedQRCode({ scene: `id=${id}`, page: 'pages/goods/detail' })
  }
}
