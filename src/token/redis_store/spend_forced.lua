-- Takes one of the fleet's forced refreshes, or gives the milliseconds until there is one.
-- KEYS: apart, day. ARGV: ms apart, how many a day, ms of a day, attempt.

-- The time that a key has left, 0 if it does not exist. A key without an expiry, or with too late a one, gets this one.
local function bounded(key, most)
  local left = redis.call('PTTL', key)
  if left == -1 or left > tonumber(most) then
    redis.call('PEXPIRE', key, most)
    return tonumber(most)
  end
  if left == -2 then return 0 end
  return math.max(left, 1)
end

-- The reply to this very attempt got lost on its way.
if redis.call('GET', KEYS[1]) == ARGV[4] then return 0 end
local apart = bounded(KEYS[1], ARGV[1])
if apart > 0 then return apart end
local used = redis.call('GET', KEYS[2])
-- A value that this client has not written.
if used and not (string.match(used, '^%d+$') and #used <= 15) then
  redis.call('DEL', KEYS[2])
  used = false
end
local left = bounded(KEYS[2], ARGV[3])
if used and tonumber(used) >= tonumber(ARGV[2]) then return math.max(left, 1) end
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[1])
return 0
