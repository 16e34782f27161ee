-- What stands there now, for a process whose token is still good.
-- KEYS: token. ARGV: fingerprint of the process's token, most bytes of a value.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
-- Without an end it is good for nothing, whichever it is.
if not token[1] or left < 0 then return {'empty'} end
if token[4] == ARGV[1] then return {'same'} end
return {'token', string.sub(token[1], 1, tonumber(ARGV[2])), token[2], token[3], left, token[4]}
