/** @import { EndpointName, EndpointScope } from '../index.js' */

/**
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/
 * @type {Map<string, { name: EndpointName, method: 'GET' | 'POST' }>}
 */
export const ENDPOINTS = new Map([
  ['/cgi-bin/token', { name: 'token', method: 'GET' }],
  ['/cgi-bin/stable_token', { name: 'stable_token', method: 'POST' }],
  ['/wxa/getwxacode', { name: 'getwxacode', method: 'POST' }],
  ['/wxa/getwxacodeunlimit', { name: 'getwxacodeunlimit', method: 'POST' }],
  ['/cgi-bin/wxaapp/createwxaqrcode', { name: 'createwxaqrcode', method: 'POST' }],
])

/** @param {EndpointName} name */
export const isTokenEndpoint = (name) => name === 'token' || name === 'stable_token'

/**
 * @param {EndpointName | undefined} name
 * @param {EndpointScope | undefined} scope
 */
export function inScope(name, scope) {
  if (name === undefined) return false
  if (scope === 'tokens') return isTokenEndpoint(name)
  if (scope === 'codes') return !isTokenEndpoint(name)
  return scope === undefined || scope === name
}
