#!/bin/sh
# A Redis that follows whom the Sentinels name as the master. Before there is any, and after all of
# them were away at once, it is the one that this pod's own Sentinel noted last, or redis-0.
set -eu
me=$POD_NAME.redis
export REDISCLI_AUTH=$REDIS_PASSWORD
master=""
for number in 0 1 2; do
  [ -n "$master" ] || master=$(timeout 2 redis-cli -h "redis-$number.redis" -p 26379 \
    sentinel get-master-addr-by-name trafficmon 2>/dev/null | head -n 1 | grep redis- || true)
done
[ -n "$master" ] || master=$(sed -n 's/^sentinel monitor trafficmon \([^ ]*\) .*/\1/p' /data/sentinel.conf 2>/dev/null || true)
master=${master:-redis-0.redis}
umask 077
{
  cat /etc/redis/redis.conf
  echo "requirepass $REDIS_PASSWORD"
  echo "masterauth $REDIS_PASSWORD"
  echo "replica-announce-ip $me"
  [ "$master" = "$me" ] || echo "replicaof $master 6379"
} > /data/redis.conf
echo "$me: the master is $master"
exec redis-server /data/redis.conf
