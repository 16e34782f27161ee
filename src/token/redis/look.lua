-- What stands there now, for a process whose token is still good.
-- KEYS: token. ARGV: fingerprint of the process's token.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
if token[4] == ARGV[1] then return {'same'} end
if not token[1] then return {'empty'} end
return {'token', token[1], token[2], token[3], redis.call('PTTL', KEYS[1])}
