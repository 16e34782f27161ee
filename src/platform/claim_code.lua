-- Takes the exchange of an authorization code: 'ours'. Or gives what another process has exchanged it for: 'told' and the sealed
-- result. Or, as long as another process exchanges it: 'wait'.
-- KEYS: code. ARGV: owner, ms that an exchange may take.
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 1) == '!' then return {'told', string.sub(held, 2)} end
if held and held ~= ARGV[1] then
  -- A key without an expiry gets one.
  if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return {'wait'}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ours'}
