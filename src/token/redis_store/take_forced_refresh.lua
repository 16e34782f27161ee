-- Takes one of the fleet's forced refreshes, or returns the milliseconds until there is one.
-- KEYS: last, day. ARGV: ms between two, how many a day, ms of a day, owner.

-- The ms left of a key, 0 if it does not exist. A key without an expiry, or with a later one, gets `max`.
local function capped_ttl(key, max)
  local left = redis.call('PTTL', key)
  if left == -1 or left > tonumber(max) then
    redis.call('PEXPIRE', key, max)
    return tonumber(max)
  end
  if left == -2 then return 0 end
  return math.max(left, 1)
end

-- The owner repeats the call, because the first reply was lost.
if redis.call('GET', KEYS[1]) == ARGV[4] then return 0 end
local interval = capped_ttl(KEYS[1], ARGV[1])
if interval > 0 then return interval end
local used = redis.call('GET', KEYS[2])
-- A value that this client has not written.
if used and not (string.match(used, '^%d+$') and #used <= 15) then
  redis.call('DEL', KEYS[2])
  used = false
end
local left = capped_ttl(KEYS[2], ARGV[3])
if used and tonumber(used) >= tonumber(ARGV[2]) then return math.max(left, 1) end
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[1])
return 0
