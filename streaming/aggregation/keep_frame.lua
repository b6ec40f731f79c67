-- KEYS: frame:{id}. ARGV: how long to keep it (s), then field, value, … to add.
-- Returns all that is known of the frame then: a third of the commands of doing it one by one.
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return redis.call('HGETALL', KEYS[1])
