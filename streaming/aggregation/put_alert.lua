-- KEYS: alerts:{id}. ARGV: alert id, alert as JSON, how many to keep, what the list must have
-- ('' for whatever it has), channel, event. Replaces the alert where the list has it, else puts it
-- in front, and tells of it. 1 if it was written: somebody else may have changed or removed what
-- was to be replaced.
local function put()
  local start = '{"id":"' .. ARGV[1] .. '"'
  for index, kept in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[3] - 1)) do
    if string.sub(kept, 1, #start) == start then
      if ARGV[4] ~= '' and ARGV[4] ~= kept then return 0 end
      redis.call('LSET', KEYS[1], index - 1, ARGV[2])
      return 1
    end
  end
  if ARGV[4] ~= '' then return 0 end
  redis.call('LPUSH', KEYS[1], ARGV[2])
  redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
  return 1
end
local written = put()
if written == 1 then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return written
