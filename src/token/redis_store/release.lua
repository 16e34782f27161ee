-- Releases the lock without a token, and returns the token that another process has stored meanwhile.
-- KEYS: token, lock. ARGV: owner, fingerprint already seen, max bytes of a value.
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
if token[1] and token[4] ~= ARGV[2] then
  local value = string.sub(token[1], 1, tonumber(ARGV[3]))
  return {'token', value, token[2], token[3], redis.call('PTTL', KEYS[1]), token[4]}
end
return {'nothing'}
