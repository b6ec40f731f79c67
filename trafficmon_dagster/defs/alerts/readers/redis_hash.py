"""One hash of Redis, soon or not at all."""

from typing import cast

from streaming.errors import RedisUnreachable
from streaming.settings import RedisSettings

__all__ = ["RedisUnreachable", "read_hash"]

_TIMEOUT_S = 2.0


def read_hash(redis: RedisSettings, name: str) -> dict[bytes, bytes]:
    """Its fields, with waits no longer than two seconds each.

    Raises:
        RedisUnreachable: Redis does not answer.
    """
    from redis.exceptions import RedisError

    from streaming.redis_client import connect, unreachable

    hasty = redis.model_copy(update={"timeout_s": min(_TIMEOUT_S, redis.timeout_s)})
    client = connect(hasty)
    try:
        return cast("dict[bytes, bytes]", client.hgetall(name))
    except RedisError as exc:
        raise unreachable(redis, exc) from exc
    finally:
        client.close()
