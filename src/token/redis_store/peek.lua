-- What stands there now, for a process whose token is still good.
-- KEYS: token. ARGV: fingerprint of the process's token, most bytes of a value.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
-- Without an end it is good for nothing, whichever it is.
local endless = token[1] and left < 0
-- What is left of one that was taken away is the same, too: it must not come back.
if token[4] == ARGV[1] and not endless then return {'same'} end
if not token[1] or endless then return {'empty'} end
return {'token', string.sub(token[1], 1, tonumber(ARGV[2])), token[2], token[3], left, token[4]}
