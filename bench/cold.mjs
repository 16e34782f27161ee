// From the start of the process to the first code, and out. With `none`, bare Node.

const { client, ...load } = JSON.parse(process.argv[2])
if (client !== 'none') {
  const { clients } = await import('./clients.mjs')
  await (await clients[client](load))()
}
process.exit()
