-- KEYS: alerts:{id}. ARGV: alert id, alert as JSON, how many to keep. Replaces the alert where
-- the list has it, else puts it in front.
local start = '{"id":"' .. ARGV[1] .. '"'
for index, kept in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[3] - 1)) do
  if string.sub(kept, 1, #start) == start then
    redis.call('LSET', KEYS[1], index - 1, ARGV[2])
    return 0
  end
end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
return 1
