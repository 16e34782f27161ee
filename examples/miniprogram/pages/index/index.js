const poster = require('../../poster.js')

Page({
  data: { state: 'home' },

  onLoad(query) {
    // Not by a code: from the list of mini-programs, by a search, from a chat.
    if (query.scene === undefined) return
    try {
      const { id, from, n, t } = poster.decode(query.scene)
      this.setData({ state: 'poster', id, from, n, t: t.toLocaleString() })
    } catch (error) {
      // A damaged code, or one of a definition that this version of the mini-program does not know.
      console.warn(error.message)
      this.setData({ state: 'unknown', code: error.code })
    }
  },
})
