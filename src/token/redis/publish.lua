-- Writes a token unless a later one stands there, and gives the lock back if it is still ours.
-- KEYS: token, lock, fence. ARGV: owner, epoch, gen, sealed token, fingerprint, life ms.
local function release()
  if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
end
local fence = redis.call('HGET', KEYS[3], 'epoch')
local stored = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
-- The reply to this very step got lost on its way.
if stored[2] == ARGV[2] and stored[3] == ARGV[3] and stored[4] == ARGV[5] then
  release()
  return {'written'}
end
-- Generations are compared within one epoch: whoever began before the store was emptied comes too late.
local late = (fence and fence ~= ARGV[2]) or
  (stored[3] and stored[2] == ARGV[2] and tonumber(stored[3]) >= tonumber(ARGV[3]))
if late then
  release()
  if not stored[1] then return {'nothing'} end
  return {'token', stored[1], stored[2], stored[3], redis.call('PTTL', KEYS[1])}
end
if not fence then redis.call('HSET', KEYS[3], 'epoch', ARGV[2], 'gen', ARGV[3]) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[4], 'epoch', ARGV[2], 'gen', ARGV[3], 'print', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
release()
return {'written'}
