// 海报小程序码里的字段，服务端也引用这个文件。
// What a poster's code holds. The server that makes the codes requires this file too.

const { defineScene, oneOf, timestamp, uint, uuid } = require('wxacode-scene')

module.exports = defineScene({
  id: uuid(),
  from: oneOf('poster', 'share'),
  n: uint(0, 9999),
  t: timestamp(),
})
