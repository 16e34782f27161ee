-- Gives the stored token to a process whose own token is still valid.
-- KEYS: token. ARGV: fingerprint of the process's token, most bytes of a value.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
-- A token without an expiry is not used.
local endless = token[1] and left < 0
-- A token that was deleted for a refusal is the same too: it must not come back.
if token[4] == ARGV[1] and not endless then return {'same'} end
if not token[1] or endless then return {'empty'} end
return {'token', string.sub(token[1], 1, tonumber(ARGV[2])), token[2], token[3], left, token[4]}
