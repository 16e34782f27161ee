-- Takes permits from the fleet's minute, as many as there are. Gives their number, the milliseconds until there is a permit,
-- whether that is a pause, and the second that the permits are counted in.
-- KEYS: minute, pause. ARGV: permits in a minute, permits wanted, then pairs of corrections: a second, or how many seconds ago
-- (fewer than 60), and how many permits were used then without asking or, below 0, were given and not used.
local time = redis.call('TIME')
local now, used, oldest = tonumber(time[1]), 0, nil
local counts = redis.pcall('HGETALL', KEYS[1])
if counts.err then
  -- A key of a wrong type is deleted. Any other error is raised by asking again.
  if not string.find(counts.err, 'WRONGTYPE', 1, true) then redis.call('HGETALL', KEYS[1]) end
  redis.call('DEL', KEYS[1])
  counts = {}
end
local minute = {}
for i = 1, #counts, 2 do
  local second, count = tonumber(counts[i]), counts[i + 1]
  -- Permits are counted by past seconds, as whole numbers; anything else is not from this client.
  local counted = string.match(count, '^%d+$') and #count <= 9
  if not second or second <= now - 60 or second > now + 1 or not counted then
    redis.call('HDEL', KEYS[1], counts[i])
  else
    minute[second] = tonumber(count)
  end
end
for i = 3, #ARGV, 2 do
  local second = tonumber(ARGV[i])
  if second < 60 then second = now - second end
  if second > now - 60 then
    minute[second] = math.max(0, (minute[second] or 0) + tonumber(ARGV[i + 1]))
    redis.call('HSET', KEYS[1], string.format('%d', second), string.format('%d', minute[second]))
  end
end
for second, count in pairs(minute) do
  used = used + count
  if count > 0 and (not oldest or second < oldest) then oldest = second end
end
local paused = redis.call('PTTL', KEYS[2])
if paused == -1 or paused > 60000 then
  redis.call('PEXPIRE', KEYS[2], 60000)
  paused = 60000
end
local given = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - used))
if paused > 0 then given = 0 end
if given > 0 then redis.call('HINCRBY', KEYS[1], time[1], given) end
-- Nothing here lasts longer than a minute, whatever expiry it had.
redis.call('PEXPIRE', KEYS[1], 61000)
if given > 0 then return {given, 0, 0, now} end
local wait = 0
if oldest and paused <= 0 then wait = (oldest + 60 - now) * 1000 - math.floor(tonumber(time[2]) / 1000) end
return {0, math.min(math.max(paused, wait, 1), 60000), paused > 0 and 1 or 0, now}
