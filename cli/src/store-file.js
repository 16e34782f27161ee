import { stat } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** @import { Text } from './language.js' */

/** @typedef {{ cause: Text, fix: Text }} Obstacle */

/**
 * Why the file of a store must not be opened here. To open it is to write beside it, and every change replaces it: by one that
 * the server cannot read, if it runs as another user.
 *
 * @param {string | undefined} store
 * @returns {Promise<Obstacle | undefined>}
 */
export async function obstacleOf(store) {
  if (!store?.startsWith('file:')) return undefined
  const path = pathOf(store)
  try {
    const { uid } = await stat(path)
    return uid === (process.getuid?.() ?? uid) ? undefined : ofAnotherUser(path, uid)
  } catch (error) {
    return unreadable(path, /** @type {NodeJS.ErrnoException} */ (error))
  }
}

/** The path behind `file:`, also of a URL with slashes. @param {string} store */
const pathOf = (store) => (store.startsWith('file://') ? fileURLToPath(store) : store.slice('file:'.length))

/**
 * @param {string} path
 * @param {number} uid
 * @returns {Obstacle}
 */
const ofAnotherUser = (path, uid) => ({
  cause: {
    zh: `${path} 属于用户 ${uid}，不是当前用户：在这里写入后，服务就读不了它`,
    en: `${path} belongs to user ${uid}, not to this one: what is written here the server could not read any more`,
  },
  fix: {
    zh: `以该用户运行：sudo -E -u '#${uid}' wxacode …`,
    en: `Run it as that user: sudo -E -u '#${uid}' wxacode ...`,
  },
})

/**
 * @param {string} path
 * @param {NodeJS.ErrnoException} error
 * @returns {Obstacle}
 */
function unreadable(path, { code }) {
  if (code !== 'ENOENT') {
    return {
      cause: { zh: `无法读取 ${path}（${code}）`, en: `${path} cannot be read (${code})` },
      fix: { zh: '检查路径与权限', en: 'Check the path and its permissions' },
    }
  }
  return {
    cause: { zh: `没有 ${path} 这个文件`, en: `there is no file ${path}` },
    fix: {
      zh: '核对路径；服务收到第一次推送（每 10 分钟一次）后才会写入它',
      en: 'Check the path; the server writes it when the first push has come, which is every 10 minutes',
    },
  }
}
