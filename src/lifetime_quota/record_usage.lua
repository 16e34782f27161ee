-- What the fleet knows of the codes that an account has used. Gives the number, how many milliseconds ago WeChat told it, the
-- number before this call, and whether this call has changed what is stored; -1 is for a number that nobody knows.
-- A smaller number counts only if its request began after the larger one was stored: answers come in any order.
-- KEYS: usage. ARGV: nothing, or the number that WeChat has told and how many milliseconds ago its request began.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local stored = redis.pcall('HMGET', KEYS[1], 'used', 'at')
if stored.err then
  -- A key of a wrong type is deleted. Any other error is raised by asking again.
  if not string.find(stored.err, 'WRONGTYPE', 1, true) then redis.call('HMGET', KEYS[1], 'used', 'at') end
  redis.call('DEL', KEYS[1])
  stored = {false, false}
end
local function whole(text, longest)
  if text and string.match(text, '^%d+$') and #text <= longest then return tonumber(text) end
end
local used, at = whole(stored[1], 9), whole(stored[2], 15)
if not at or not used then used, at = nil, now end
-- The clock of Redis was set back.
if at > now then at = now end
local before, changed = used or -1, 0
if ARGV[1] then
  local given = tonumber(ARGV[1])
  if not used or given >= used or now - tonumber(ARGV[2]) > at then
    used, at, changed = given, now, 1
    redis.call('HSET', KEYS[1], 'used', string.format('%d', given), 'at', string.format('%d', now))
    -- 400 days: an account that is not used any more leaves nothing.
    redis.call('PEXPIRE', KEYS[1], 34560000000)
  end
end
return {used or -1, now - at, before, changed}
