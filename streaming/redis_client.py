"""Connections to Redis: bounded waits, bounded retries, and errors that name the setting."""

import time
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from streaming.errors import RedisUnreachable
from streaming.logs import mask_url
from streaming.settings import RedisSettings

_RETRIES = 3
_POLL_S = 0.1


def connect(settings: RedisSettings) -> redis.Redis:
    """A client on which a PING was answered; each command is tried up to four times.

    Raises:
        RedisUnreachable: nothing answers at `redis.url`.
    """
    client = redis.Redis.from_url(
        settings.url, retry=Retry(_backoff(), _RETRIES), **_options(settings)
    )
    try:
        client.ping()
    except RedisError as exc:
        client.close()
        raise unreachable(settings, exc) from exc
    return client


def connect_async(settings: RedisSettings, *, retries: int = _RETRIES) -> redis.asyncio.Redis:
    """A client that connects on its first command; close it with `aclose`."""
    return redis.asyncio.Redis.from_url(
        settings.url, retry=AsyncRetry(_backoff(), retries), **_options(settings)
    )


def wait_for_redis(settings: RedisSettings, timeout_s: float) -> None:
    """Return as soon as Redis answers and has loaded its data.

    Raises:
        RedisUnreachable: it did not within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connect(settings).close()
        except RedisUnreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return


def unreachable(settings: RedisSettings, exc: Exception) -> RedisUnreachable:
    """The error for a failed command, with the address's credentials masked."""
    return RedisUnreachable(
        f"no Redis at {mask_url(settings.url)} (redis.url): {mask_url(str(exc))}; "
        "`trafficmon up` starts one"
    )


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def _options(settings: RedisSettings) -> dict[str, Any]:
    return {
        "decode_responses": False,
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
        "health_check_interval": 30,
        "client_name": "trafficmon",
    }
