-- Writes a record, or deletes it, unless another process has written it since it was read. Returns 1 if it was written.
-- KEYS: record. ARGV: the revision that was read, 0 if there was no record; the sealed record, empty to delete it; the revision of
-- a new record, at random, so that it is none that the record had before it was deleted.
local record = redis.call('HMGET', KEYS[1], 'value', 'revision')
local revision = record[1] and tonumber(record[2]) or 0
if revision ~= tonumber(ARGV[1]) then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'value', ARGV[2], 'revision', revision == 0 and ARGV[3] or string.format('%.0f', revision + 1))
end
return 1
