'use strict'

const { WxaCodeHealthIndicator } = require('./health')
const { WxaCodeModule } = require('./module')
const { InjectWxaCode, InjectWxaPlatform, getWxaCodeToken, getWxaPlatformToken } = require('./tokens')

// Each name by itself, which is how Node finds out what `import { ... }` may name.
module.exports.InjectWxaCode = InjectWxaCode
module.exports.InjectWxaPlatform = InjectWxaPlatform
module.exports.WxaCodeHealthIndicator = WxaCodeHealthIndicator
module.exports.WxaCodeModule = WxaCodeModule
module.exports.getWxaCodeToken = getWxaCodeToken
module.exports.getWxaPlatformToken = getWxaPlatformToken
