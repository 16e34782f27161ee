-- Tells other processes what a code was exchanged for; without a result gives the exchange back, if it is still the owner's.
-- KEYS: code. ARGV: owner, sealed result or nothing, ms that it stays.
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], '!' .. ARGV[2], 'PX', ARGV[3])
elseif redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
