-- Stores a QR code, if there is one, and releases the lock if it is still the owner's. A result for the processes that wait
-- takes the lock's place, if there is one.
-- KEYS: QR code, lock. ARGV: owner, sealed QR code or nothing, its lifetime in ms, result or nothing, ms that the result stays.
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  if ARGV[4] == '' then
    redis.call('DEL', KEYS[2])
  else
    redis.call('SET', KEYS[2], '!' .. ARGV[1] .. ARGV[4], 'PX', ARGV[5])
  end
end
return 0
