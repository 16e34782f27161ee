-- Gives a QR code and its time left; or the lock, for the process that fetches it; or the lock's owner and its time left; or the
-- note that the owner left for those who waited; or `go`: fetch without the lock.
-- KEYS: code, lock. ARGV: owner, lock ms, lifetime of a QR code in ms, most bytes of one, 1 if this process would fetch for
-- others. The owner of the lock gets it for longer.
local code = redis.call('GET', KEYS[1])
if code and #code <= tonumber(ARGV[4]) then
  local left = redis.call('PTTL', KEYS[1])
  -- A key without an expiry gets one.
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
