-- KEYS: camera:{id}:latest, its parts. ARGV: TTL s, rank, frame view or "", judged view or "",
-- camera id as JSON, channel, event. Keeps the newer of each half, and tells only what is news.
local function newer(half, body)
  if body == '' then return false end
  local known = redis.call('HGET', KEYS[2], half .. ':rank')
  if known and known > ARGV[2] then return false end
  redis.call('HSET', KEYS[2], half .. ':rank', ARGV[2], half, body)
  return true
end
local frame_is_news = newer('frame', ARGV[3])
local verdict_is_news = newer('verdict', ARGV[4])
if not frame_is_news and not verdict_is_news then return 0 end
local frame = redis.call('HGET', KEYS[2], 'frame') or 'null'
local verdict = redis.call('HGET', KEYS[2], 'verdict') or 'null'
redis.call('SET', KEYS[1],
  '{"cameraId":' .. ARGV[5] .. ',"frame":' .. frame .. ',"verdict":' .. verdict .. '}', 'EX', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 1
