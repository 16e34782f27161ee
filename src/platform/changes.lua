-- Tells other processes of changes, and returns those of the others. An empty store gets a new epoch.
-- KEYS: changes. ARGV: epoch of an empty store, epoch last seen, number last seen, how many are kept, then a change each.
local kept = tonumber(ARGV[4])
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local last
for at = 5, #ARGV do
  last = redis.call('HINCRBY', KEYS[1], 'last', 1)
  redis.call('HSET', KEYS[1], tostring(last % kept), ARGV[at])
end
local head = redis.call('HMGET', KEYS[1], 'epoch', 'last')
last = tonumber(head[2]) or 0
local reply = {head[1], last}
local seen = tonumber(ARGV[3])
if head[1] ~= ARGV[2] or seen > last then return reply end
-- What was overwritten is not known any more: the reply says so.
if last - seen > kept then
  reply[3] = 'all'
  return reply
end
for number = seen + 1, last do
  local change = redis.call('HGET', KEYS[1], tostring(number % kept))
  if change then reply[#reply + 1] = change end
end
return reply
