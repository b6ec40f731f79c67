"""JPEG bytes by reference: they lie in Redis until their TTL, and messages carry only a name."""

import hashlib
from collections.abc import Sequence
from typing import cast

import redis
import redis.asyncio

from streaming import redis_keys

_REF_BYTES = 16


def ref_of(jpeg: bytes) -> str:
    """The name of these bytes: 32 hex digits of their BLAKE2b hash."""
    return hashlib.blake2b(jpeg, digest_size=_REF_BYTES).hexdigest()


class ImageStore:
    """Images for threads; `ttl_s` counts from the last time the same bytes were put."""

    def __init__(self, client: redis.Redis, ttl_s: float) -> None:
        self._redis = client
        self._ttl_ms = round(ttl_s * 1000)

    def put(self, jpeg: bytes) -> str:
        """Keep the bytes and return their name; the same bytes are kept once.

        Raises:
            redis.RedisError: not kept.
        """
        (ref,) = self.put_all([jpeg])
        return ref

    def put_all(self, jpegs: Sequence[bytes]) -> list[str]:
        """The same of several, in one round trip.

        Raises:
            redis.RedisError: not all are kept.
        """
        refs = [ref_of(jpeg) for jpeg in jpegs]
        with self._redis.pipeline(transaction=False) as pipeline:
            for ref, jpeg in zip(refs, jpegs, strict=True):
                pipeline.set(redis_keys.image(ref), jpeg, px=self._ttl_ms)
            pipeline.execute()
        return refs

    def get(self, ref: str) -> bytes | None:
        """The bytes, or None when they are gone.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return cast("bytes | None", self._redis.get(redis_keys.image(ref)))


class AsyncImageStore:
    """The same images for an event loop; it only reads."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def get(self, ref: str) -> bytes | None:
        """The bytes, or None when they are gone.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return cast("bytes | None", await self._redis.get(redis_keys.image(ref)))
