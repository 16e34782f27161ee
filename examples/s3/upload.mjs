// Codes of a list into a store that speaks S3 (COS, OSS, MinIO, AWS), each under a name that stays the same. What is there is not
// requested again: after an interruption, or with more rows in the list, run it again.

import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { codeKey, imageExtension, imageType, WxaCode } from 'wxacode'

const {
  S3_ENDPOINT: endpoint,
  S3_BUCKET: Bucket = 'codes',
  S3_REGION: region = 'us-east-1',
  SHOPS = '40',
} = process.env
// Stores other than AWS's do not know the checksums that the SDK sends by default.
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' })
const wxa = WxaCode.fromEnv()

const there = await namesThere()
let [uploaded, kept, failed] = [0, 0, 0]
for await (const { job, image, error } of wxa.batch(missing(), { concurrency: 16 })) {
  if (error) {
    failed += 1
    console.error(`shop ${job.meta.id}: ${error.message}`)
    continue
  }
  const Key = `${job.meta.name}.${imageExtension(image)}`
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: image, ContentType: imageType(image) }))
  uploaded += 1
}
console.log(`${uploaded} uploaded, ${kept} there already, ${failed} failed`)
if (failed > 0) process.exitCode = 1

/** The codes that the store does not have, as jobs. */
async function* missing() {
  for await (const { id } of shops()) {
    const code = { kind: 'unlimited', scene: `shop=${id}`, page: 'pages/index/index' }
    const name = `${wxa.appid}/${codeKey(code)}`
    if (there.has(name)) kept += 1
    else yield { ...code, meta: { id, name } }
  }
}

/** The names in the store, without their extensions. */
async function namesThere() {
  const names = new Set()
  let ContinuationToken
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: `${wxa.appid}/`, ContinuationToken }))
    for (const { Key } of page.Contents ?? []) names.add(Key.replace(/\.\w+$/, ''))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return names
}

/** The rows of your database. */
async function* shops() {
  for (let id = 1; id <= Number(SHOPS); id++) yield { id }
}
