import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'

export const GET = codeHandler(
  () => WxaCode.fromEnv({ cache: true }),
  async (_request, { params }) => ({ scene: `id=${(await params).id}`, page: 'pages/index/index' }),
)
