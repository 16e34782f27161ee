-- A token other than the one already seen, or the right to fetch one, or how long to wait for whoever has it.
-- KEYS: token, lock, fence, cool. ARGV: owner, lock ms, fingerprint already seen, life ms worth keeping, life ms worth
-- using while another is fetched, epoch to begin with, 1 if the token seen was refused.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
if ARGV[7] == '1' and token[1] and token[4] == ARGV[3] and redis.call('EXISTS', KEYS[4]) == 1 then
  -- It was taken away, and WeChat has given the very same one again.
  return {'stands'}
end
local other = token[1] and token[4] ~= ARGV[3]
if other and left > tonumber(ARGV[4]) then
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
if other and left > tonumber(ARGV[5]) then
  return {'token', token[1], token[2], token[3], left}
end
return {'wait', redis.call('PTTL', KEYS[2])}
