-- Returns the stored token to a process whose own token is still valid.
-- KEYS: token. ARGV: fingerprint of the process's token, max bytes of a value.
local token = redis.call('HMGET', KEYS[1], 'value', 'epoch', 'gen', 'print')
local left = redis.call('PTTL', KEYS[1])
-- A token without an expiry is not used.
local no_expiry = token[1] and left < 0
-- A rejected token that was deleted counts as the same too: it must not come back.
if token[4] == ARGV[1] and not no_expiry then return {'same'} end
if not token[1] or no_expiry then return {'empty'} end
return {'token', string.sub(token[1], 1, tonumber(ARGV[2])), token[2], token[3], left, token[4]}
