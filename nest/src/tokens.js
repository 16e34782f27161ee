'use strict'

const { Inject } = require('@nestjs/common')
const { WxaCode, WxaPlatform } = require('wxacode')

/** What is injected without a name. */
const DEFAULT = 'default'

/** @param {string} [name] */
const getWxaCodeToken = (name = DEFAULT) => (name === DEFAULT ? WxaCode : `WxaCode(${name})`)

/** @param {string} [name] */
const getWxaPlatformToken = (name = DEFAULT) => (name === DEFAULT ? WxaPlatform : `WxaPlatform(${name})`)

/** @param {string} [name] */
const InjectWxaCode = (name) => Inject(getWxaCodeToken(name))

/** @param {string} [name] */
const InjectWxaPlatform = (name) => Inject(getWxaPlatformToken(name))

module.exports = { InjectWxaCode, InjectWxaPlatform, getWxaCodeToken, getWxaPlatformToken }
