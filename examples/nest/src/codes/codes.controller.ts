import { Controller, Get, Next, Req, Res } from '@nestjs/common'
import type { NextFunction, Request, Response } from 'express'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/express'
import { ShopsService } from './shops.service.js'

@Controller('code')
export class CodesController {
  private readonly answer

  constructor(wxa: WxaCode, shops: ShopsService) {
    this.answer = codeHandler<Request<{ shop: string }>>(wxa, async ({ params: { shop }, query: { from = 'web' } }) => {
      if (!shops.hasPlace(from) || !(await shops.exists(shop))) return null
      return { scene: `shop=${shop}&from=${from}`, page: 'pages/index/index' }
    })
  }

  /** The mini-program code of a shop. What goes wrong is answered by wxacode: no exception filter is needed for it. */
  @Get(':shop')
  code(@Req() req: Request<{ shop: string }>, @Res() res: Response, @Next() next: NextFunction) {
    return this.answer(req, res, next)
  }
}
