export { DEFAULT_APP } from './src/apps.js'
export { startFakeWeChat } from './src/server.js'
