import { Test } from '@nestjs/testing'
import { InvalidParamsError, WeChatAPIError, WxaCode, WxaCodeError } from 'wxacode'
import { CodesService } from './codes.service'

const getUnlimitedQRCode = jest.fn<Promise<Buffer>, []>()

async function service() {
  const module = await Test.createTestingModule({
    providers: [CodesService, { provide: WxaCode, useValue: { getUnlimitedQRCode } }],
  }).compile()
  return module.get(CodesService)
}

test('the picture is passed on', async () => {
  getUnlimitedQRCode.mockResolvedValueOnce(Buffer.from('a picture'))
  expect(String(await (await service()).productCode(42))).toBe('a picture')
})

test.each([
  ['an unpublished page', WeChatAPIError.from(41030), { errcode: 41030, retryable: false }],
  ['a used-up quota', WeChatAPIError.from(45009), { errcode: 45009, stopsBatch: true }],
  ['an invalid scene', InvalidParamsError.from('unlimited', { scene: '' }), { param: 'scene' }],
  ['a timeout', WxaCodeError.from('ERR_WXA_TIMEOUT'), { code: 'ERR_WXA_TIMEOUT', retryable: true }],
])('%s is passed on', async (_, error, expected) => {
  getUnlimitedQRCode.mockRejectedValueOnce(error)
  await expect((await service()).productCode(42)).rejects.toMatchObject(expected)
  expect(error).toBeInstanceOf(WxaCodeError)
})
