-- Returns a record with its revision.
-- KEYS: record.
local record = redis.call('HMGET', KEYS[1], 'value', 'revision')
if not record[1] then return {} end
return {record[1], tonumber(record[2]) or 0}
