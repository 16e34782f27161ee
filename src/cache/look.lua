-- A code that lies there with its life, or the right to ask WeChat for it, or how long somebody else has that.
-- KEYS: code, lock. ARGV: owner, lock ms. Whoever has the right already gets it for longer.
local code = redis.call('GET', KEYS[1])
if code then return {'code', code, redis.call('PTTL', KEYS[1])} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {'wait', redis.call('PTTL', KEYS[2])} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'lead'}
