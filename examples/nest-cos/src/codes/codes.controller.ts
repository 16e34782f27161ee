import { BadGatewayException, Controller, Get, Logger, NotFoundException, Param, Redirect } from '@nestjs/common'
import { WxaCodeError } from 'wxacode'
import { CodesService } from './codes.service.js'

/** Stands for your database: a visitor cannot make more codes than there are shops. */
const SHOPS = new Set(['bund', 'xuhui'])

@Controller('code')
export class CodesController {
  private readonly logger = new Logger(CodesController.name)

  constructor(private readonly codes: CodesService) {}

  /** Leads to the picture in COS: the application sends no picture itself. */
  @Get(':shop')
  @Redirect()
  async code(@Param('shop') shop: string) {
    if (!SHOPS.has(shop)) throw new NotFoundException()
    return { url: await this.linkTo(shop), statusCode: 302 }
  }

  /** What WeChat or COS refused is for the log, with what to do about it, and not for the visitor. */
  private async linkTo(shop: string) {
    try {
      return await this.codes.linkTo(`shop=${shop}`)
    } catch (error) {
      const isOfWeChat = error instanceof WxaCodeError
      this.logger.error(isOfWeChat ? error.message : `COS: ${(error as { code?: string }).code ?? error}`)
      throw new BadGatewayException()
    }
  }
}
