// What wxacode publishes on the channels of its traces.

/** One call: the same object in all messages about it. */
export interface Call {
  method: string
  appid: string
  componentAppid?: string
  path?: string
  result?: unknown
  error?: unknown
  aborted?: true
  source?: 'wechat' | 'memory' | 'redis' | 'joined'
}

/** One HTTP request, published when it has ended. */
export interface Attempt {
  call?: Call
  startTimeMs: number
  durationMs: number
  host: string
  port: number
  scheme: 'http' | 'https'
  method: 'GET' | 'POST'
  path: string
  endpoint: string
  purpose: 'code' | 'token' | 'api'
  status?: number
  errcode?: number
  rid?: string
  bodyBytes?: number
  resendCount: number
  connectionReused?: boolean
  code?: string
  message?: string
  aborted?: true
}
