// What a poster's code says. The server that makes the codes requires this very file.

const { defineScene, oneOf, timestamp, uint, uuid } = require('wxacode-scene')

module.exports = defineScene({
  id: uuid(),
  from: oneOf('poster', 'share'),
  n: uint(0, 9999),
  t: timestamp(),
})
