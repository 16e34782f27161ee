// Codes that are requested once, by whichever machine: in memory, in a directory of this machine, and in a store that speaks S3.

import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { imageType, WxaCode } from 'wxacode'

const {
  S3_ENDPOINT: endpoint,
  S3_BUCKET: Bucket = 'codes',
  S3_REGION: region = 'us-east-1',
  CODES_DIRECTORY: directory,
  SHOPS = '40',
} = process.env
// Stores other than AWS's do not know the checksums that the SDK sends by default.
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' })

/** @type {import('wxacode').CodeStore} */
const store = {
  async get(Key, { signal }) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }), { abortSignal: signal })
      return await Body.transformToByteArray()
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  },
  async set(Key, Body, { signal }) {
    const picture = { Bucket, Key, Body, ContentType: imageType(Body) }
    await s3.send(new PutObjectCommand(picture), { abortSignal: signal })
  },
}

// Without CODES_DIRECTORY there is no directory.
const wxa = WxaCode.fromEnv({ cache: { directory, store } })
for (let id = 1; id <= Number(SHOPS); id++) {
  await wxa.getUnlimitedQRCode({ scene: `shop=${id}`, page: 'pages/index/index' })
}
// Waits until the last codes are stored.
await wxa.close()
const { diskHits, storeHits, misses } = wxa.stats().cache
console.log(`${diskHits} from the disk, ${storeHits} from the store, ${misses} from WeChat`)
