-- Extends the lock, if it is still the owner's.
-- KEYS: lock. ARGV: owner, lock ms.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
