-- A code that lies there with its life; or the right to ask WeChat for it; or who has that right, and for how long; or what
-- such a one has left for those who waited for it; or leave to ask without the right.
-- KEYS: code, lock. ARGV: owner, lock ms, life of a code in ms, most bytes of one, 1 if this one would ask for others.
-- Whoever has the right already gets it for longer.
local code = redis.call('GET', KEYS[1])
if code and #code <= tonumber(ARGV[4]) then
  local left = redis.call('PTTL', KEYS[1])
  -- One without an end gets one.
  if left == -1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    left = tonumber(ARGV[3])
  end
  return {'code', code, left}
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[2])
  if left == -1 or left > tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
    left = tonumber(ARGV[2])
  end
  if string.sub(holder, 1, 1) == '!' then return {'note', string.sub(holder, 2, 4096)} end
  return {'wait', left, string.sub(holder, 1, 64)}
end
if ARGV[5] ~= '1' then return {'go'} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'lead'}
