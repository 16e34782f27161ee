-- Deletes a token that must not be used any more. The new epoch keeps out a lock owner that is still fetching.
-- KEYS: token, lock, fence. ARGV: new epoch, ms for which an unused fence stays.
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[3], 'epoch', ARGV[1], 'gen', '0')
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
