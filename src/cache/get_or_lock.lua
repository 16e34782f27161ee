-- Gives a QR code and its remaining time; or `locked`, for the process that fetches it; or `wait`, the lock's remaining time and its
-- owner; or `result`, which the owner left for the processes that waited; or `fetch`: fetch without the lock.
-- KEYS: QR code, lock. ARGV: owner, lock ms, lifetime of a QR code in ms, most bytes of one, 1 if this process may take the
-- lock. The owner of the lock gets it for longer.
local sealed = redis.call('GET', KEYS[1])
if sealed and #sealed <= tonumber(ARGV[4]) then
  local remaining = redis.call('PTTL', KEYS[1])
  -- A key without an expiry gets one.
  if remaining == -1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    remaining = tonumber(ARGV[3])
  end
  return {'qr_code', sealed, remaining}
end
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[1] then
  local remaining = redis.call('PTTL', KEYS[2])
  if remaining == -1 or remaining > tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
    remaining = tonumber(ARGV[2])
  end
  if string.sub(owner, 1, 1) == '!' then return {'result', string.sub(owner, 2, 4096)} end
  return {'wait', remaining, string.sub(owner, 1, 64)}
end
if ARGV[5] ~= '1' then return {'fetch'} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'locked'}
