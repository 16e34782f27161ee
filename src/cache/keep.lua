-- Puts a code there, if one was given, and gives the lock back if it is still ours.
-- KEYS: code, lock. ARGV: owner, sealed code or nothing, its life in ms.
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 0
