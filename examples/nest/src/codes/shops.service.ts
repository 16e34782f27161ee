import { Injectable } from '@nestjs/common'

/** Stands for your database. */
@Injectable()
export class ShopsService {
  private readonly shops = new Set(['bund', 'xuhui'])

  async exists(shop: string) {
    return this.shops.has(shop)
  }
}
