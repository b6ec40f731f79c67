"""A database of a running Redis that nobody uses, and is nobody else's while a benchmark runs."""

import os
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from redis.exceptions import ResponseError

from streaming.embedded import endpoints
from streaming.errors import RedisUnreachable
from streaming.redis_client import connect
from streaming.settings import Settings

_MARK = "trafficmon:bench"
_MARK_TTL_S = 86_400
_DATABASES = range(15, 0, -1)


def unused(settings: Settings) -> Settings | None:
    """The same Redis with a database that holds nothing; None if it has none, as a Cluster."""
    if settings.redis.address().kind == "cluster":
        return None
    for number in _DATABASES:
        there = endpoints.with_endpoints(
            settings, {endpoints.REDIS: _with_database(settings.redis.url, number)}
        )
        if there.redis.url == settings.redis.url:
            continue
        try:
            with connect(there.redis) as client:
                if _take(client):
                    return there
        except RedisUnreachable as exc:
            # "DB index is out of range" is an answer; no answer at all is not.
            if not isinstance(exc.__cause__, ResponseError):
                raise
    return None


def empty(settings: Settings) -> None:
    """Forget everything in the benchmark's own database."""
    with connect(settings.redis) as client:
        client.flushdb()


def begin(settings: Settings) -> None:
    """Forget everything in it but that it is taken."""
    with connect(settings.redis) as client, client.pipeline(transaction=True) as pipe:
        pipe.flushdb()
        pipe.set(_MARK, os.getpid(), ex=_MARK_TTL_S)
        pipe.execute()


def _take(client: redis.Redis) -> bool:
    if not client.set(_MARK, os.getpid(), nx=True, ex=_MARK_TTL_S):
        return False
    if client.dbsize() == 1:
        return True
    client.delete(_MARK)
    return False


def _with_database(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query)) | {"db": str(number)}
        return parts._replace(query=urlencode(query)).geturl()
    master = f"/{parts.path.split('/')[1]}" if "sentinel" in parts.scheme else ""
    return parts._replace(path=f"{master}/{number}").geturl()
