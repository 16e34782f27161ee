-- Writes a token unless a later one is stored, and releases the lock if it is still the owner's.
-- KEYS: token, lock, fence. ARGV: owner, epoch, gen, sealed token, fingerprint, lifetime ms, max bytes of a value, ms for
-- which an unused fence stays.
local function release()
  if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
end
-- The number of a generation that acquire.lua has drawn; nil for any other text.
local function parse_generation(text)
  return text and string.match(text, '^%d+$') and #text <= 15 and tonumber(text)
end
local fence = redis.call('HMGET', KEYS[3], 'epoch', 'gen')
local stored = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
-- The owner repeats the call, because the first reply was lost.
if stored[2] == ARGV[2] and stored[3] == ARGV[3] and stored[4] == ARGV[5] then
  release()
  return {'written'}
end
local gen, last_gen, stored_gen = tonumber(ARGV[3]), parse_generation(fence[2]), parse_generation(stored[3])
-- Generations are compared within one epoch: a process that began before the store was emptied is too late. A generation
-- beyond the last one is not from this client.
local is_later = stored_gen and stored[2] == ARGV[2] and stored_gen >= gen and not (last_gen and stored_gen > last_gen)
if (fence[1] and fence[1] ~= ARGV[2]) or is_later then
  release()
  if not stored[1] then return {'nothing'} end
  local value = string.sub(stored[1], 1, tonumber(ARGV[7]))
  return {'token', value, stored[2], stored[3], redis.call('PTTL', KEYS[1]), stored[4]}
end
if not last_gen or last_gen < gen then redis.call('HSET', KEYS[3], 'epoch', ARGV[2], 'gen', ARGV[3]) end
redis.call('PEXPIRE', KEYS[3], ARGV[8])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[4], 'epoch', ARGV[2], 'gen', ARGV[3], 'print', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
release()
return {'written'}
