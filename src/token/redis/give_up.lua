-- Takes away a token that an API refused, if it is still the one that stands there and none was taken away just now.
-- What is left keeps its generation, so that a late leader cannot bring an older token back.
-- KEYS: token, cool. ARGV: fingerprint refused, cool-down ms.
local print = redis.call('HGET', KEYS[1], 'print')
if print and print ~= ARGV[1] then return 'replaced' end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then
  if print and redis.call('HEXISTS', KEYS[1], 'value') == 1 then return 'cooling' end
  return 'replaced'
end
redis.call('HDEL', KEYS[1], 'value')
return 'given up'
