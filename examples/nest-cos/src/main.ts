// GET /code/<shop> leads to the mini-program code of a shop in COS, where it is stored at the first request.

import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
console.log(`http://127.0.0.1:${app.getHttpServer().address().port}/code/bund`)
