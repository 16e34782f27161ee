import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLru } from '../src/lru.js'

test('the least recently used entry is evicted first', () => {
  const lru = createLru(30)
  for (const key of ['a', 'b', 'c']) lru.set(key, Buffer.alloc(10))
  lru.get('a')
  lru.set('d', Buffer.alloc(10))
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => lru.get(key) !== undefined),
    [true, false, true, true],
  )
})

test('an entry over the total size is not stored', () => {
  const lru = createLru(30)
  lru.set('a', Buffer.alloc(31))
  assert.equal(lru.get('a'), undefined)
  lru.set('b', Buffer.alloc(30))
  assert.equal(lru.get('b')?.length, 30)
})
