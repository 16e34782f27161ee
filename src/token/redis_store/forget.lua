-- Deletes a token that must not be used any more. The new epoch keeps out a lock owner that is still fetching. Its lock stays: the
-- answer to a second request would make that of the first one void.
-- KEYS: token, fence. ARGV: new epoch, ms for which an unused fence stays.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'gen', '0')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
