-- Takes one forced refresh from the fleet's budget, or says how many milliseconds there is none.
-- KEYS: apart, day. ARGV: ms apart, how many a day, ms of a day, attempt.
-- The reply to this very attempt got lost on its way.
if redis.call('GET', KEYS[1]) == ARGV[4] then return 0 end
local apart = redis.call('PTTL', KEYS[1])
if apart > 0 then return apart end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[2]) then return redis.call('PTTL', KEYS[2]) end
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[1])
return 0
