-- A token other than the one already seen, or the right to fetch one, or how long to wait for whoever has it. If the one
-- seen was refused by an API, it is taken away first. What is left of it keeps its generation, so that a late leader
-- cannot bring an older token back.
-- KEYS: token, lock, fence, cool. ARGV: owner, lock ms, fingerprint already seen, life ms worth keeping, life ms worth
-- using while another is fetched, epoch to begin with, 1 if the token seen was refused, cool-down ms.

-- Writes nothing, but a replica refuses it: there nobody can lead, so nobody should wait for a leader.
redis.call('HDEL', KEYS[3], '-')
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
local other = token[4] ~= ARGV[3]
if ARGV[7] == '1' and not (token[4] and other) then
  if redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[8]) then
    redis.call('HDEL', KEYS[1], 'value')
    token[1] = false
  elseif token[1] then
    -- It, or the one before it, was taken away a moment ago: the API is at fault.
    return {'stands'}
  end
end
if token[1] and other and left > tonumber(ARGV[4]) then
  return {'token', token[1], token[2], token[3], left}
end
local holder = redis.call('GET', KEYS[2])
if holder == ARGV[1] then
  -- The reply to this very attempt got lost on its way.
  return {'lead', redis.call('HGET', KEYS[3], 'epoch'), redis.call('HGET', KEYS[3], 'gen')}
end
if not holder then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('HSETNX', KEYS[3], 'epoch', ARGV[6])
  local gen = redis.call('HINCRBY', KEYS[3], 'gen', 1)
  return {'lead', redis.call('HGET', KEYS[3], 'epoch'), tostring(gen)}
end
if token[1] and other and left > tonumber(ARGV[5]) then
  return {'token', token[1], token[2], token[3], left}
end
return {'wait', redis.call('PTTL', KEYS[2])}
