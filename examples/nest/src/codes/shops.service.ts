import { Injectable } from '@nestjs/common'

/** Stands for your database. */
@Injectable()
export class ShopsService {
  private readonly shops = new Set(['bund', 'xuhui'])

  async exists(shop: string) {
    return this.shops.has(shop)
  }

  /** Where a shop's code may be shown: a visitor cannot make more codes than there are shops and places. */
  hasPlace(place: unknown) {
    return place === 'web' || place === 'poster'
  }
}
