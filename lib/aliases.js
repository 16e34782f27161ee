'use strict'

/** Names that callers try, and what to tell them. */

const { nullProtoCopy } = require('./safe-object')

/** @typedef {import('./schemas').SchemaName} SchemaName */

/** Names that callers know from WeChat's documents and from other packages, normalized, with ours.
 * @type {Partial<Record<SchemaName, Record<string, string>>>} */
const ALIASES = nullProtoCopy({
  getQRCode: { page: 'path' },
  getUnlimitedQRCode: { path: 'page' },
  createQRCode: { page: 'path' },
  generateScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  generateUrlLink: { page: 'path', pageurl: 'path' },
  generateShortLink: { page: 'pageUrl', path: 'pageUrl', title: 'pageTitle' },
  generateNFCScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  queryScheme: { openlink: 'scheme' },
  queryUrlLink: { url: 'urlLink', link: 'urlLink' },
  request: { timeout: 'timeoutMs', data: 'body', json: 'body', params: 'query', qs: 'query', searchparams: 'query' },
  batch: { timeout: 'timeoutMs' },
  options: {
    appkey: 'secret',
    appsecret: 'secret',
    secretkey: 'secret',
    accesstoken: 'token',
    gettoken: 'token',
    timeout: 'timeoutMs',
    host: 'baseUrl',
    origin: 'baseUrl',
    endpoint: 'baseUrl',
    agent: 'proxy',
    httpsagent: 'proxy',
    redisurl: 'redis',
    language: 'lang',
    locale: 'lang',
  },
  platform: {
    componentappid: 'appid',
    componentsecret: 'secret',
    componentappsecret: 'secret',
    appsecret: 'secret',
    token: 'pushToken',
    aeskey: 'encodingAESKey',
    encodingkey: 'encodingAESKey',
    storage: 'store',
    timeout: 'timeoutMs',
    host: 'baseUrl',
    agent: 'proxy',
    redisurl: 'redis',
    language: 'lang',
  },
  merchant: { timeout: 'timeoutMs' },
  importAuthorizer: {
    authorizerappid: 'appid',
    authorizerrefreshtoken: 'refreshToken',
  },
  call: { timeout: 'timeoutMs' },
  codeHandler: { timeout: 'timeoutMs', attachment: 'download', max: 'ratePerMinute', limit: 'ratePerMinute' },
  tokenCall: { timeout: 'timeoutMs', force: 'forceRefresh' },
})

/** The fix for a name that belongs to another method. @type {Partial<Record<SchemaName, Record<string, { zh: string, en: string }>>>} */
const ADVICE = nullProtoCopy({
  getQRCode: {
    scene: {
      zh: "scene 是 getUnlimitedQRCode 的参数，getQRCode 的参数写在 path 的 ? 之后，如 path: 'pages/index/index?id=42'",
      en: "scene belongs to getUnlimitedQRCode, while getQRCode carries parameters after the ? in path, as in path: 'pages/index/index?id=42'",
    },
  },
  createQRCode: {
    scene: {
      zh: "scene 是 getUnlimitedQRCode 的参数，createQRCode 的参数写在 path 的 ? 之后，如 path: 'pages/index/index?id=42'",
      en: "scene belongs to getUnlimitedQRCode, while createQRCode carries parameters after the ? in path, as in path: 'pages/index/index?id=42'",
    },
  },
})

module.exports = { ADVICE, ALIASES }
