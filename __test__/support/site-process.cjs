'use strict'

// A backend as process managers start it: `process.send('ready')` when it listens, and SIGINT lets what is under way finish.

const cluster = require('node:cluster')
const { createServer } = require('node:http')
const { Server } = require('node:net')
const { WxaCode } = require('wxacode')
const { codeHandler } = require('wxacode/express')

const wxa = new WxaCode(JSON.parse(process.env.SITE_CLIENT))
const handler = codeHandler(wxa, (req) => ({ scene: req.url.slice(1), width: 280, checkPath: false }))
const server = createServer((req, res) => {
  res.setHeader('X-Pid', process.pid)
  res.setHeader('Connection', 'close')
  handler(req, res, (error) => {
    throw error
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send({ ready: server.address().port }))

process.on('SIGINT', () => {
  // Not http's own close(): that also ends a connection whose request has not been read yet.
  Server.prototype.close.call(server, async () => {
    await wxa.close()
    // A cluster's primary may have handed over a visitor meanwhile: its worker waits until it has been told.
    if (cluster.isWorker) cluster.worker.disconnect()
    else process.disconnect()
  })
})
