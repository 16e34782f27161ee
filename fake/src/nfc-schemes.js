'use strict'

/** @import { App } from '../index.js' */
/** @import { JumpWxa, LinkParams } from './types.js' */

/**
 * Whether a device may have a scheme, in WeChat's words: 一型一码 is one for all devices of a model, 一机一码 is one for
 * each.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html
 * @param {LinkParams} params
 * @param {App} app
 */
function wrongDevice({ model_id: model = '', sn = '' }, { nfcModels }) {
  if (model === '') return 9800003
  if (nfcModels === undefined) return 0
  const kind = Object.hasOwn(nfcModels, model) ? nfcModels[model] : undefined
  if (kind === undefined) return 9800003
  if (kind === 'notGranted') return 9800007
  if (kind === 'perDevice') return sn === '' ? 9800008 : 0
  return sn === '' ? 0 : 9800009
}

/**
 * The schemes of an app's devices. A device keeps its scheme, which leads where it first led:
 * https://developers.weixin.qq.com/community/develop/doc/000c2689098d58d94024867f46e400
 */
function createNfcSchemes() {
  /** @type {Map<string, { scheme: string, target: string }>} */
  const schemes = new Map()
  return {
    /**
     * @param {LinkParams} params
     * @param {() => string} make
     * @returns {{ scheme: string, isTaken: boolean }}
     */
    schemeFor({ jump_wxa: jump = {}, model_id: model, sn }, make) {
      const device = JSON.stringify([model, sn ?? ''])
      const target = targetOf(jump)
      const known = schemes.get(device)
      if (known) return { scheme: known.scheme, isTaken: known.target !== target }
      const scheme = make()
      schemes.set(device, { scheme, target })
      return { scheme, isTaken: false }
    },
  }
}

/** @param {JumpWxa} jump */
const targetOf = ({ path = '', query = '', env_version: version = 'release' }) => JSON.stringify([path, query, version])

module.exports = { wrongDevice, createNfcSchemes }
