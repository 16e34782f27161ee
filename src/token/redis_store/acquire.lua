-- Returns a token other than the one already seen, or the lock with a lease, or how long to wait for the owner of the lock. A
-- token that an API rejected is deleted first. Its generation stays, so that a late lock owner cannot bring an older token
-- back.
-- KEYS: token, lock, fence, cooldown. ARGV: owner, lock ms, fingerprint already seen, ms left from which a token is reused, ms
-- left from which it is used while another one is fetched, epoch of an empty store, 1 if the token seen was rejected, cool-down
-- ms, max bytes of a value, SHA-1 of a value that cannot be opened or nothing, ms for which an unused fence stays.

-- The ms left of a key. A key without an expiry, or with a later one, gets `max`.
local function capped_ttl(key, max)
  local left = redis.call('PTTL', key)
  if left == -1 or left > tonumber(max) then
    redis.call('PEXPIRE', key, max)
    return tonumber(max)
  end
  return left
end

-- Writes nothing, but a replica refuses it: no process can get the lock there, so none may wait for its owner.
redis.call('HDEL', KEYS[3], '-')
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
token[1] = token[1] and string.sub(token[1], 1, tonumber(ARGV[9]))
if token[1] and ARGV[10] ~= '' and redis.sha1hex(token[1]) == ARGV[10] then
  redis.call('HDEL', KEYS[1], 'value')
  token[1] = false
end
local left = redis.call('PTTL', KEYS[1])
-- A token without an expiry is not used: how long it is valid is unknown.
if left == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local other = token[4] ~= ARGV[3]
if ARGV[7] == '1' and not (token[4] and other) then
  if redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[8]) then
    redis.call('HDEL', KEYS[1], 'value')
    token[1] = false
  elseif token[1] then
    -- A rejected token was deleted within the cool-down: the API is at fault.
    capped_ttl(KEYS[4], ARGV[8])
    return {'unchanged'}
  end
end
if token[1] and other and left > tonumber(ARGV[4]) then
  return {'token', token[1], token[2], token[3], left, token[4]}
end
local owner = redis.call('GET', KEYS[2])
if owner == ARGV[1] then
  -- The owner repeats the call, because the first reply was lost.
  return {'lock', redis.call('HGET', KEYS[3], 'epoch'), redis.call('HGET', KEYS[3], 'gen')}
end
if not owner then
  local fence = redis.call('HMGET', KEYS[3], 'epoch', 'gen')
  -- Discards a fence that is not ours: a malformed epoch, or a generation of more than 15 digits, which a Lua number cannot
  -- hold exactly.
  local epoch_ok = not fence[1] or (string.match(fence[1], '^%w+$') and #fence[1] <= 64)
  local generation_ok = not fence[2] or (string.match(fence[2], '^%d+$') and #fence[2] <= 15)
  if not (epoch_ok and generation_ok) then redis.call('DEL', KEYS[3]) end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('HSETNX', KEYS[3], 'epoch', ARGV[6])
  local gen = redis.call('HINCRBY', KEYS[3], 'gen', 1)
  redis.call('PEXPIRE', KEYS[3], ARGV[11])
  return {'lock', redis.call('HGET', KEYS[3], 'epoch'), tostring(gen)}
end
if token[1] and other and left > tonumber(ARGV[5]) then
  return {'token', token[1], token[2], token[3], left, token[4]}
end
return {'wait', capped_ttl(KEYS[2], ARGV[2])}
