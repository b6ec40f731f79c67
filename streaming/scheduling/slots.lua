-- Slots for calls over all scheduler instances, in one atomic step: `pace.py` on Redis.
--
-- KEYS[1]: the key pool's prefix; every key below it shares its hash slot. KEYS[2]: its rules.
-- ARGV[1]: msgpack of redis_limits.Ask; the answer is msgpack of redis_limits.Answer.
-- Times are Unix seconds of Redis's own clock.
--
--   instances        zset   instance -> last asked
--   back             zset   instance -> came back after Redis was away
--   rules            hash   scope -> msgpack of budget.Rule
--   free             hash   scope -> when the next call may leave, but for tokens and in-flight
--   pace:<scope>     hash   tat, held, and v<i>, at<i> of each lesson
--   sends:<scope>    zset   ticket -> when the call leaves or left
--   tokens:<scope>   zset   ticket -> the same;  taken:<scope> hash ticket -> tokens, and their sum
--   leases:<scope>   zset   ticket -> until when it counts as under way

local base = KEYS[1]
local ask = cmsgpack.unpack(ARGV[1])
local call = redis.call

local MINUTE_S = 60
local IDLE_S = 150
local LEARN_EVERY_S = 1
local FULL_AGAIN_S = 0.1
local FAR_S = 61
local EPSILON_S = 1e-6

local now = ask.now
if now == 0 then
  local time = call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function text(number)
  return string.format('%.9f', number)
end

local scopes = {}

-- budget.Lesson.value
local function lesson(scope, i, at)
  local floor, start, _, _, half_life_s = unpack(scope.lessons[i])
  local learnt = scope.learnt[i]
  if learnt.at == 0 then
    return start
  end
  return floor + (learnt.value - floor) * 2 ^ (-math.max(0, at - learnt.at) / half_life_s)
end

-- What follows from a rule and what was learnt.
local function derive(scope)
  scope.second = scope.second_s + lesson(scope, 1, now)
  scope.minute = MINUTE_S + lesson(scope, 2, now)
  scope.interval = 0
  if scope.smooth then
    scope.interval = math.max(scope.second / scope.per_second, scope.minute / scope.rpm)
  end
  scope.tolerance = (scope.burst - 1) * scope.interval
end

-- A scope's rule and state, read once in a call; nil where no instance has told its rule.
local function open(name)
  local scope = scopes[name]
  if scope then
    return scope
  end
  local packed = call('HGET', base .. 'rules', name)
  if not packed then
    return nil
  end
  local r = cmsgpack.unpack(packed)
  scope = {
    name = name,
    per_second = r[1], second_s = r[2], rpm = r[3], tpm = r[4], in_flight = r[5],
    smooth = r[6], burst = r[7], phase = r[8], lessons = r[9], learnt = {},
  }
  local state = call('HMGET', base .. 'pace:' .. name,
    'tat', 'held', 'v1', 'at1', 'v2', 'at2', 'v3', 'at3')
  scope.tat = tonumber(state[1] or 0)
  scope.held = tonumber(state[2] or 0)
  for i = 1, 3 do
    scope.learnt[i] = {
      value = tonumber(state[1 + 2 * i] or 0), at = tonumber(state[2 + 2 * i] or 0),
    }
  end
  derive(scope)
  scopes[name] = scope
  return scope
end

local function window_free(scope, count, span_s)
  local key = base .. 'sends:' .. scope.name
  local found = call('ZRANGE', key, -count, -count, 'WITHSCORES')
  return found[2] and tonumber(found[2]) + span_s or 0
end

-- Compute when the next call may leave, and keep it for those who only look.
local function note_free(scope)
  local at = math.max(scope.held, scope.tat - scope.tolerance)
  at = math.max(at, window_free(scope, scope.per_second, scope.second))
  at = math.max(at, window_free(scope, scope.rpm, scope.minute))
  call('HSET', base .. 'free', scope.name, text(at))
  scope.free = at
  return at
end

local function forget_tokens(scope, ticket)
  local taken = call('HGET', base .. 'taken:' .. scope.name, ticket)
  if taken then
    call('HINCRBY', base .. 'taken:' .. scope.name, 'sum', -tonumber(taken))
    call('HDEL', base .. 'taken:' .. scope.name, ticket)
    call('ZREM', base .. 'tokens:' .. scope.name, ticket)
  end
end

local function tokens_free(scope, tokens)
  if scope.tpm == 0 then
    return 0
  end
  local key = base .. 'tokens:' .. scope.name
  for _, ticket in ipairs(call('ZRANGEBYSCORE', key, '-inf', text(now - scope.minute))) do
    forget_tokens(scope, ticket)
  end
  local limit = scope.tpm * (1 - lesson(scope, 3, now))
  local sum = tonumber(call('HGET', base .. 'taken:' .. scope.name, 'sum') or 0)
  -- A call larger than the whole limit is tried alone: only the provider knows.
  local too_many = sum + math.min(tokens, limit) - limit
  local first = 0
  while too_many > 0 do
    local oldest = call('ZRANGE', key, first, first, 'WITHSCORES')
    if not oldest[1] then
      return 0
    end
    too_many = too_many - tonumber(call('HGET', base .. 'taken:' .. scope.name, oldest[1]))
    if too_many <= 0 then
      return tonumber(oldest[2]) + scope.minute
    end
    first = first + 1
  end
  return 0
end

local function is_full(scope)
  if scope.in_flight == 0 then
    return false
  end
  local key = base .. 'leases:' .. scope.name
  call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  return call('ZCARD', key) >= scope.in_flight
end

local function keep(scope)
  call('HSET', base .. 'pace:' .. scope.name, 'tat', text(scope.tat), 'held', text(scope.held))
  note_free(scope)
end

local function take(scope, at, ticket)
  if scope.tat < at then
    scope.tat = at + math.min(scope.phase * scope.interval, scope.tolerance)
  end
  scope.tat = scope.tat + scope.interval
  local sends = base .. 'sends:' .. scope.name
  call('ZADD', sends, text(at), ticket)
  call('ZREMRANGEBYSCORE', sends, '-inf', text(now - math.max(scope.minute, scope.second)))
  call('EXPIRE', sends, IDLE_S)
  if scope.tpm > 0 then
    call('ZADD', base .. 'tokens:' .. scope.name, text(at), ticket)
    call('HSET', base .. 'taken:' .. scope.name, ticket, ask.tokens)
    call('HINCRBY', base .. 'taken:' .. scope.name, 'sum', ask.tokens)
  end
  if scope.in_flight > 0 then
    call('ZADD', base .. 'leases:' .. scope.name, text(now + ask.lease_s), ticket)
    call('EXPIRE', base .. 'leases:' .. scope.name, IDLE_S + math.ceil(ask.lease_s))
  end
  keep(scope)
end

local reports = {}

function reports.sent(scope, ticket, at)
  call('ZADD', base .. 'sends:' .. scope.name, 'XX', text(at), ticket)
  note_free(scope)
end

-- A call that this Redis was not there to see, or has lost.
function reports.made(scope, ticket, at)
  call('ZADD', base .. 'sends:' .. scope.name, text(at), ticket)
  call('EXPIRE', base .. 'sends:' .. scope.name, IDLE_S)
  scope.tat = math.max(scope.tat, at + scope.tolerance + scope.interval)
  keep(scope)
end

function reports.unused(scope, ticket)
  call('ZREM', base .. 'sends:' .. scope.name, ticket)
  call('ZREM', base .. 'leases:' .. scope.name, ticket)
  forget_tokens(scope, ticket)
  note_free(scope)
end

function reports.ended(scope, ticket, tokens)
  call('ZREM', base .. 'leases:' .. scope.name, ticket)
  local key = base .. 'taken:' .. scope.name
  local taken = tokens >= 0 and scope.tpm > 0 and call('HGET', key, ticket)
  if taken then
    call('HINCRBY', key, 'sum', tokens - tonumber(taken))
    call('HSET', key, ticket, tokens)
  end
end

function reports.refused(scope, ticket, until_s, at, lessons)
  for _, index in ipairs(lessons) do
    local i = index + 1
    local learnt = scope.learnt[i]
    if learnt.at == 0 or at - learnt.at >= LEARN_EVERY_S then
      local _, _, step, cap = unpack(scope.lessons[i])
      learnt.value, learnt.at = math.min(cap, lesson(scope, i, at) + step), at
      call('HSET', base .. 'pace:' .. scope.name,
        'v' .. i, text(learnt.value), 'at' .. i, text(at))
    end
  end
  derive(scope)
  scope.held = math.max(scope.held, until_s)
  scope.tat = math.max(scope.tat, until_s + scope.tolerance)
  keep(scope)
end

-- Who is here. After an outage of Redis nobody is served before all are back, or long enough
-- gone: what the others sent meanwhile must be in the log first.
local function roll_call()
  call('ZADD', base .. 'instances', text(now), ask.instance)
  call('ZREMRANGEBYSCORE', base .. 'instances', '-inf', text(now - ask.alive_s))
  if ask.returning == 0 then
    return true
  end
  local key = base .. 'back'
  call('ZREMRANGEBYSCORE', key, '-inf', text(now - 3 * ask.alive_s))
  call('ZADD', key, 'NX', text(now), ask.instance)
  call('EXPIRE', key, math.ceil(3 * ask.alive_s))
  local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return call('ZCARD', key) >= ask.returning or now - tonumber(first[2]) >= ask.back_within_s
end

-- After Redis's clock was set back, what seems to lie far ahead must not block for long.
local function unblock(scope)
  local sends = base .. 'sends:' .. scope.name
  if call('ZCOUNT', sends, text(now + FAR_S), '+inf') > 0 or scope.tat > now + 2 * FAR_S then
    call('DEL', sends)
    scope.tat = now + scope.tolerance
    keep(scope)
  end
end

local answer = { now = now, slots = {}, until_s = now, instances = 1, state = 'ok' }

for _, report in ipairs(ask.reports) do
  local scope = open(report[2])
  if scope then
    reports[report[1]](scope, report[3], report[4], report[5], report[6])
  end
end

if not roll_call() then
  answer.state = 'returning'
end
answer.instances = call('ZCARD', base .. 'instances')

local names = ask.candidates
local rank = {}
if #names > 0 and answer.state == 'ok' then
  local kept = call('HMGET', base .. 'free', unpack(names))
  for i, name in ipairs(names) do
    local free = tonumber(kept[i] or -1)
    if free < 0 or free > now + FAR_S then
      local scope = open(name)
      if not scope then
        answer.state = 'unknown'
        return cmsgpack.pack(answer)
      end
      if free >= 0 then
        unblock(scope)
      end
      free = note_free(scope)
    end
    rank[i] = { name = name, index = i - 1, free = free, turn = i }
  end
end

-- The candidate that is free first. Used once, one goes to the end: equals take turns.
local function best()
  local found = nil
  for _, c in ipairs(rank) do
    local at = c.free <= now + EPSILON_S and now or c.free
    local better = not found or at < found.at
      or (at == found.at and c.turn < found.candidate.turn)
    if better and not c.full then
      found = { at = at, candidate = c }
    end
  end
  return found
end

local function used(scope)
  for _, c in ipairs(rank) do
    if c.name == scope.name then
      c.free = scope.free
    end
  end
end

local ahead = ask.ahead
local again = nil
while #answer.slots < ask.count do
  local found = best()
  if not found then
    break
  end
  local candidate, at = found.candidate, found.at
  local scope = open(candidate.name)
  if not scope then
    answer.state = 'unknown'
    break
  end
  local tokens_at = tokens_free(scope, ask.tokens)
  if tokens_at > at then
    candidate.free = tokens_at
  elseif at > now + ask.horizon_s or (at > now and ahead <= 0) then
    again = math.min(again or at, math.max(now, at - ask.horizon_s))
    break
  elseif is_full(scope) then
    -- When another call ends is not foretold.
    candidate.full = true
    again = now + FULL_AGAIN_S
  else
    if at > now then
      ahead = ahead - 1
    end
    take(scope, at, ask.tickets .. ':' .. #answer.slots)
    answer.slots[#answer.slots + 1] = { candidate.index, at }
    candidate.turn = #names + #answer.slots
    used(scope)
  end
end
answer.until_s = again or now
return cmsgpack.pack(answer)
