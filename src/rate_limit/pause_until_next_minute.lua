-- WeChat says that the minute is full: no process sends a call before the next one. Gives the milliseconds until then.
-- KEYS: pause.
local time = redis.call('TIME')
local left = 60000 - (tonumber(time[1]) % 60) * 1000 - math.floor(tonumber(time[2]) / 1000)
redis.call('SET', KEYS[1], '1', 'PX', math.max(left, 1))
return left
