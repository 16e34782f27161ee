// From the start of the process to the first code, and out. With `none`, Node and this benchmark's own module.

import { clients } from './clients.mjs'

const { client, ...load } = JSON.parse(process.argv[2])
if (client !== 'none') await (await clients[client](load))()
process.exit()
