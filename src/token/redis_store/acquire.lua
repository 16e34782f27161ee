-- Gives a token other than the one already seen, or the lock with a lease, or how long to wait for the process that has the
-- lock. A token that an API refused is deleted first. Its generation stays, so that a late leader cannot bring an older token
-- back.
-- KEYS: token, lock, fence, cool. ARGV: owner, lock ms, fingerprint already seen, ms left from which a token is reused, ms left
-- from which it is used while another one is fetched, epoch of an empty store, 1 if the token seen was refused, cool-down ms,
-- most bytes of a value, SHA-1 of a value that cannot be opened or nothing, ms for which an unused fence stays.

-- The time that a key has left. A key without an expiry, or with too late a one, gets this one.
local function bounded(key, most)
  local left = redis.call('PTTL', key)
  if left == -1 or left > tonumber(most) then
    redis.call('PEXPIRE', key, most)
    return tonumber(most)
  end
  return left
end

-- Writes nothing, but a replica refuses it: no process can lead there, so none may wait for a leader.
redis.call('HDEL', KEYS[3], '-')
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
token[1] = token[1] and string.sub(token[1], 1, tonumber(ARGV[9]))
if token[1] and ARGV[10] ~= '' and redis.sha1hex(token[1]) == ARGV[10] then
  redis.call('HDEL', KEYS[1], 'value')
  token[1] = false
end
local left = redis.call('PTTL', KEYS[1])
-- Without an expiry it is not known how long the token is valid, so it is not used.
if left == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local other = token[4] ~= ARGV[3]
if ARGV[7] == '1' and not (token[4] and other) then
  if redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[8]) then
    redis.call('HDEL', KEYS[1], 'value')
    token[1] = false
  elseif token[1] then
    -- A token was deleted a moment ago for a refusal: the API is at fault.
    bounded(KEYS[4], ARGV[8])
    return {'stands'}
  end
end
if token[1] and other and left > tonumber(ARGV[4]) then
  return {'token', token[1], token[2], token[3], left, token[4]}
end
local holder = redis.call('GET', KEYS[2])
if holder == ARGV[1] then
  -- The reply to this very attempt got lost on its way.
  return {'lead', redis.call('HGET', KEYS[3], 'epoch'), redis.call('HGET', KEYS[3], 'gen')}
end
if not holder then
  local fence = redis.call('HMGET', KEYS[3], 'epoch', 'gen')
  -- A fence that this client has not written; and beyond 15 digits Lua does not tell numbers apart.
  local known = not fence[1] or (string.match(fence[1], '^%w+$') and #fence[1] <= 64)
  local counts = not fence[2] or (string.match(fence[2], '^%d+$') and #fence[2] <= 15)
  if not (known and counts) then redis.call('DEL', KEYS[3]) end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('HSETNX', KEYS[3], 'epoch', ARGV[6])
  local gen = redis.call('HINCRBY', KEYS[3], 'gen', 1)
  redis.call('PEXPIRE', KEYS[3], ARGV[11])
  return {'lead', redis.call('HGET', KEYS[3], 'epoch'), tostring(gen)}
end
if token[1] and other and left > tonumber(ARGV[5]) then
  return {'token', token[1], token[2], token[3], left, token[4]}
end
return {'wait', bounded(KEYS[2], ARGV[2])}
