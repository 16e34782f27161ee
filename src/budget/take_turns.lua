-- Takes turns out of the fleet's minute, as many as there are, or says how many milliseconds there is none and whether that is
-- a pause.
-- KEYS: minute, pause. ARGV: turns in a minute, turns wanted, then pairs of what is to be put right: how many seconds ago, and
-- how many turns were used then without asking (or, below 0, were given and not used).
local time = redis.call('TIME')
local now, used, oldest = tonumber(time[1]), 0, nil
for i = 3, #ARGV, 2 do
  local age = tonumber(ARGV[i])
  if age < 60 then
    local second = string.format('%d', now - age)
    if redis.call('HINCRBY', KEYS[1], second, ARGV[i + 1]) <= 0 then redis.call('HDEL', KEYS[1], second) end
  end
end
local counts = redis.call('HGETALL', KEYS[1])
for i = 1, #counts, 2 do
  local second = tonumber(counts[i])
  if second <= now - 60 then
    redis.call('HDEL', KEYS[1], counts[i])
  else
    used = used + tonumber(counts[i + 1])
    if not oldest or second < oldest then oldest = second end
  end
end
local paused = redis.call('PTTL', KEYS[2])
local given = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - used))
if paused > 0 then given = 0 end
if given > 0 then redis.call('HINCRBY', KEYS[1], time[1], given) end
redis.call('PEXPIRE', KEYS[1], 61000)
if given > 0 then return {given, 0, 0} end
local wait = 0
if oldest and paused <= 0 then wait = (oldest + 60 - now) * 1000 - math.floor(tonumber(time[2]) / 1000) end
return {0, math.min(math.max(paused, wait, 1), 60000), paused > 0 and 1 or 0}
