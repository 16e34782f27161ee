import { Test } from '@nestjs/testing'
import { WxaCode } from 'wxacode'
import { type FakeWeChat, startFakeWeChat } from 'wxacode-fake'
import { CodesService } from './codes.service'

let fake: FakeWeChat
let codes: CodesService

beforeEach(async () => {
  fake = await startFakeWeChat()
  const { appid, secret, url } = fake
  const module = await Test.createTestingModule({
    providers: [CodesService, { provide: WxaCode, useValue: new WxaCode({ appid, secret, baseUrl: url }) }],
  }).compile()
  codes = module.get(CodesService)
})

afterEach(() => fake.close())

test('the code of a product opens its page', async () => {
  await codes.productCode(42)
  const [, request] = fake.requests // the first fetched the token
  expect(JSON.parse(request.body)).toMatchObject({ scene: 'id=42', page: 'pages/goods/detail' })
})

test('an unpublished page is reported', async () => {
  fake.fail(41030)
  await expect(codes.productCode(42)).rejects.toMatchObject({ errcode: 41030 })
})
