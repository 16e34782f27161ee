'use strict'

// Attributes and metrics that the semantic conventions do not have. README.md describes them.

module.exports = {
  ATTR_ABORTED: 'wxacode.aborted',
  ATTR_APPID: 'wxacode.appid',
  ATTR_COMPONENT_APPID: 'wxacode.component_appid',
  ATTR_CONNECTION_REUSED: 'wxacode.connection_reused',
  ATTR_ENDPOINT: 'wxacode.endpoint',
  ATTR_ERRCODE: 'wxacode.errcode',
  ATTR_EVENT: 'wxacode.event',
  ATTR_METHOD: 'wxacode.method',
  ATTR_PATH: 'wxacode.path',
  ATTR_PURPOSE: 'wxacode.purpose',
  ATTR_REASON: 'wxacode.reason',
  ATTR_RID: 'wxacode.rid',
  ATTR_SOURCE: 'wxacode.source',
  ATTR_TOKEN_SOURCE: 'wxacode.token.source',
  METRIC_CALL_DURATION: 'wxacode.call.duration',
  METRIC_CALL_WAIT_DURATION: 'wxacode.call.wait.duration',
  METRIC_EVENTS: 'wxacode.events',
  METRIC_TOKEN_REFRESH_DURATION: 'wxacode.token.refresh.duration',
}
