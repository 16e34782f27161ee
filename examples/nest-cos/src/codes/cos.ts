import COS from 'cos-nodejs-sdk-v5'

/** The client of the SDK, and the bucket with its region. */
export interface Bucket {
  cos: COS
  place: { Bucket: string; Region: string }
}

export const BUCKET = Symbol('bucket')

/** `COS_BUCKET` ends with the APPID of Tencent Cloud: `codes-1250000000`. `COS_DOMAIN` is for a domain of your own, or a test. */
export function bucketFromEnv(): Bucket {
  const { COS_SECRET_ID, COS_SECRET_KEY, COS_BUCKET, COS_REGION, COS_DOMAIN } = process.env
  if (!COS_SECRET_ID || !COS_SECRET_KEY || !COS_BUCKET || !COS_REGION)
    throw new Error('Set COS_SECRET_ID, COS_SECRET_KEY, COS_BUCKET and COS_REGION')
  return {
    cos: new COS({ SecretId: COS_SECRET_ID, SecretKey: COS_SECRET_KEY, Domain: COS_DOMAIN, Timeout: 10_000 }),
    place: { Bucket: COS_BUCKET, Region: COS_REGION },
  }
}
