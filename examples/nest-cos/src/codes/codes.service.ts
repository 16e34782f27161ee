import { Inject, Injectable } from '@nestjs/common'
import { codeKey, imageType, WxaCode } from 'wxacode'
import { BUCKET, type Bucket } from './cos.js'

/** How long a link to a code is valid. The bucket is private: nobody can list or guess what is in it. */
const LINK_SECONDS = 600

@Injectable()
export class CodesService {
  /** Visitors who come at the same time wait for one picture. */
  private readonly pending = new Map<string, Promise<void>>()

  constructor(
    private readonly wxa: WxaCode,
    @Inject(BUCKET) private readonly bucket: Bucket,
  ) {}

  /** A link to the code of a scene. The code is requested and stored if COS does not have it. */
  async linkTo(scene: string): Promise<string> {
    const code = { scene, page: 'pages/index/index' }
    const Key = `${this.wxa.appid}/${codeKey(code)}.jpg`
    if (!(await this.isStored(Key))) {
      const storing = this.pending.get(Key) ?? this.store(Key, code).finally(() => this.pending.delete(Key))
      this.pending.set(Key, storing)
      await storing
    }
    const { cos, place } = this.bucket
    return cos.getObjectUrl({ ...place, Key, Sign: true, Expires: LINK_SECONDS }, () => {})
  }

  private async isStored(Key: string) {
    const { cos, place } = this.bucket
    try {
      await cos.headObject({ ...place, Key })
      return true
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return false
      throw error
    }
  }

  private async store(Key: string, code: { scene: string; page: string }) {
    const { cos, place } = this.bucket
    const image = await this.wxa.getUnlimitedQRCode(code)
    await cos.putObject({ ...place, Key, Body: image, ContentType: imageType(image) })
  }
}
