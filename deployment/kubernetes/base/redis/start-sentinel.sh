#!/bin/sh
# A Sentinel. It writes what it learns to its own file, which a restart finds again.
set -eu
umask 077
[ -s /data/sentinel.conf ] || cat > /data/sentinel.conf <<CONF
port 26379
dir /tmp
requirepass $REDIS_PASSWORD
sentinel sentinel-pass $REDIS_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $POD_NAME.redis
sentinel monitor trafficmon redis-0.redis 6379 2
sentinel auth-pass trafficmon $REDIS_PASSWORD
sentinel down-after-milliseconds trafficmon 5000
sentinel failover-timeout trafficmon 15000
CONF
exec redis-server /data/sentinel.conf --sentinel
