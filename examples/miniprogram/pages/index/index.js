const poster = require('../../poster.js')

Page({
  data: { state: 'home' },

  onLoad(query) {
    // 不是扫码打开的：来自小程序列表、搜索或聊天。
    // Not opened by a code: from the list of mini-programs, a search or a chat.
    if (query.scene === undefined) return
    try {
      const { id, from, n, t } = poster.decode(query.scene)
      this.setData({ state: 'poster', id, from, n, t: t.toLocaleString() })
    } catch (error) {
      // 码已损坏，或由这一版小程序不认识的定义生成。
      // The code is damaged, or its definition is not known to this version of the mini-program.
      console.warn(error.message)
      this.setData({ state: 'unknown', code: error.code })
    }
  },
})
