/** @jest-environment node */

import { get } from 'node:http'
import { Controller, Get, type INestApplication, Inject } from '@nestjs/common'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { Test } from '@nestjs/testing'
import { WxaCode } from 'wxacode'
import { type FakeWeChat, startFakeWeChat } from 'wxacode-fake'
import { getWxaCodeToken, InjectWxaCode, WxaCodeHealthIndicator } from 'wxacode-nest'
import { PostersModule } from './posters.module'

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(WxaCodeHealthIndicator) private readonly wxacode: WxaCodeHealthIndicator,
    @InjectWxaCode() private readonly shop: WxaCode,
    @InjectWxaCode('members') private readonly members: WxaCode,
  ) {}

  @Get()
  check() {
    const options = { requireToken: true }
    return this.health.check([
      () => this.wxacode.isHealthy('shop', this.shop, options),
      () => this.wxacode.isHealthy('members', this.members, options),
    ])
  }
}

const members = { appid: 'wx00000000000000a1', secret: 'b'.repeat(32) }
let fake: FakeWeChat
let app: INestApplication

beforeEach(async () => {
  fake = await startFakeWeChat({ apps: [{ appid: 'wx00000000000000a2', secret: 'c'.repeat(32) }, members] })
  Object.assign(process.env, {
    WXACODE_APPID: fake.appid,
    WXACODE_SECRET: fake.secret,
    WXACODE_BASE_URL: fake.url,
    MEMBERS_APPID: members.appid,
    MEMBERS_SECRET: members.secret,
  })
  const module = await Test.createTestingModule({
    imports: [PostersModule, TerminusModule],
    controllers: [HealthController],
  }).compile()
  app = module.createNestApplication({ logger: false })
  await app.listen(0, '127.0.0.1')
})

afterEach(async () => {
  await app?.close()
  await fake.close()
})

const ask = (path: string) =>
  new Promise<{ status?: number; body: Buffer }>((resolve, reject) => {
    get({ host: '127.0.0.1', port: app.getHttpServer().address().port, path, agent: false }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      resolve({ status: response.statusCode, body: Buffer.concat(chunks) })
    }).on('error', reject)
  })

test('each account makes its own codes', async () => {
  for (const path of ['/posters/shop/1', '/posters/member/2']) {
    const { status, body } = await ask(path)
    expect(status).toBe(200)
    expect(body.subarray(0, 3).toString('latin1')).toBe('\xff\xd8\xff')
  }
  const codes = fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit')
  // A slow machine may send one again.
  expect([...new Set(codes.map(({ body }) => JSON.parse(body).scene))]).toEqual(['id=1', 'm=2'])
  expect(app.get<WxaCode>(getWxaCodeToken('members')).appid).toBe(members.appid)
})

test('health is down until the account has a token', async () => {
  const before = await ask('/health')
  expect(before.status).toBe(503)
  expect(JSON.parse(before.body.toString())).toMatchObject({
    info: { members: { status: 'up' } },
    error: { shop: { status: 'down' } },
  })
  await app.get(WxaCode).ready()
  expect((await ask('/health')).status).toBe(200)
})

test('the shutdown closes both clients', async () => {
  const clients = [app.get(WxaCode), app.get<WxaCode>(getWxaCodeToken('members'))]
  await app.close()
  for (const wxa of clients) await expect(wxa.ready()).rejects.toMatchObject({ code: 'ERR_WXA_CLOSED' })
})
