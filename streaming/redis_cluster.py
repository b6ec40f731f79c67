"""Clients of a Redis Cluster that behave like those of one server, as far as we use them.

redis-py's own raise `RedisClusterException`, which is no `RedisError`, when no node answers, and
an `MGET` over several slots is refused.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import redis.asyncio.cluster
import redis.cluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

Hosts = Sequence[tuple[str, int]]


@contextmanager
def _as_redis_error() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as exc:
        raise RedisConnectionError(f"{type(exc).__name__}: {exc}") from exc


class Cluster(redis.cluster.RedisCluster):
    """For threads."""

    @classmethod
    def reached(cls, hosts: Hosts, **options: Any) -> Self:
        """The client, which has asked the nodes for the slots.

        Raises:
            redis.RedisError: none of them answered.
        """
        nodes = [redis.cluster.ClusterNode(*host) for host in hosts]  # type: ignore[no-untyped-call]
        with _as_redis_error():
            return cls(startup_nodes=nodes, **options)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """The answer of the node that holds the key."""
        with _as_redis_error():
            return super().execute_command(*args, **kwargs)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Commands by node; nothing is promised of the order between nodes."""
        pipe = super().pipeline(transaction, shard_hint)  # type: ignore[no-untyped-call]
        pipe.__class__ = _Pipeline  # redis-py names the class of its pipelines itself
        return pipe


class _Pipeline(redis.cluster.ClusterPipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with _as_redis_error():
            return super().execute(raise_on_error)


class AsyncCluster(redis.asyncio.cluster.RedisCluster):
    """For an event loop."""

    def __init__(self, hosts: Hosts, **options: Any) -> None:
        key_password = options.pop("ssl_password", None)
        nodes = [redis.asyncio.cluster.ClusterNode(*host) for host in hosts]
        super().__init__(startup_nodes=nodes, **options)
        if key_password is not None:  # which redis-py's constructor does not take
            for own in (self.connection_kwargs, *(n.connection_kwargs for n in self.startup_nodes)):
                own["ssl_password"] = key_password

    async def initialize(self, *args: Any, **kwargs: Any) -> Self:
        """Ask the nodes for the slots, unless they are known."""
        with _as_redis_error():
            await super().initialize(*args, **kwargs)
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """The answer of the node that holds the key."""
        with _as_redis_error():
            return await super().execute_command(*args, **kwargs)

    async def mget(self, keys: Any, *args: Any) -> Any:
        """The values, asked of each slot by itself."""
        with _as_redis_error():
            return await self.mget_nonatomic(keys, *args)

    async def info(self, section: str | None = None, *args: str, **kwargs: Any) -> Any:
        """A section's whole numbers, added up over the masters."""
        by_node = await super().info(section, *args, target_nodes=self.PRIMARIES, **kwargs)
        total: Counter[str] = Counter()
        for found in by_node.values():
            total.update({name: value for name, value in found.items() if type(value) is int})
        return dict(total)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Commands by node; nothing is promised of the order between nodes."""
        return _AsyncPipeline(self, transaction)  # type: ignore[abstract]

    def pubsub(self, *args: Any, **kwargs: Any) -> Any:
        """A subscription at one node, which hears what is published at any."""
        return _PubSub(self, *args, **kwargs)


class _AsyncPipeline(redis.asyncio.cluster.ClusterPipeline):
    async def execute(
        self, raise_on_error: bool = True, allow_redirections: bool = True
    ) -> list[Any]:
        with _as_redis_error():
            return await super().execute(raise_on_error, allow_redirections)


class _PubSub(redis.asyncio.cluster.ClusterPubSub):
    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        # It may be the client's first command, and redis-py does not ask for the slots here.
        await self.cluster.initialize()
        with _as_redis_error():
            return await super().execute_command(*args, **kwargs)
