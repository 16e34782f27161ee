-- Deletes keys of a wrong type: these names belong to one account, so no other client loses anything. Returns how many there
-- were.
-- KEYS: two hashes, then strings.
local found = 0
for i, key in ipairs(KEYS) do
  local value
  if i <= 2 then value = redis.pcall('HGET', key, '-') else value = redis.pcall('GET', key) end
  if type(value) == 'table' and value.err and string.find(value.err, 'WRONGTYPE', 1, true) then
    redis.call('DEL', key)
    found = found + 1
  end
end
return found
