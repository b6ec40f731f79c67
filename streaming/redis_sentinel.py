"""Sentinels that say in a few words why they name no master."""

from collections.abc import Mapping
from typing import Any

import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFound
from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError

from streaming.redis_cluster import Hosts


class Sentinels(redis.sentinel.Sentinel):
    """For threads."""

    @classmethod
    def of(cls, hosts: Hosts, at_sentinels: Mapping[str, Any], at_master: Mapping[str, Any]) -> Any:
        """With the options of connections to themselves, and to the master."""
        return cls(hosts, sentinel_kwargs=at_sentinels, **at_master)

    def discover_master(self, service_name: str) -> Any:
        """Host and port of the master.

        Raises:
            redis.exceptions.MasterNotFoundError: no Sentinel names one that is up.
        """
        try:
            return super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError:
            raise MasterNotFoundError(_line(service_name, self._reason())) from None

    def _reason(self) -> str:
        """Why none of them answers; redis-py keeps of it no more than its kind."""
        reason = ""
        for sentinel in self.sentinels:
            try:
                sentinel.sentinel_masters()
            except RedisError as exc:
                reason = reason or str(exc)
            else:
                return ""  # it answers, and names another
        return reason


class AsyncSentinels(redis.asyncio.sentinel.Sentinel):
    """For an event loop."""

    @classmethod
    def of(cls, hosts: Hosts, at_sentinels: Mapping[str, Any], at_master: Mapping[str, Any]) -> Any:
        """With the options of connections to themselves, and to the master."""
        return cls(hosts, sentinel_kwargs=at_sentinels, **at_master)

    async def discover_master(self, service_name: str) -> Any:
        """Host and port of the master.

        Raises:
            redis.exceptions.MasterNotFoundError: no Sentinel names one that is up.
        """
        try:
            return await super().discover_master(service_name)
        except AsyncMasterNotFound:
            raise AsyncMasterNotFound(_line(service_name, await self._reason())) from None

    async def _reason(self) -> str:
        """See `Sentinels`."""
        reason = ""
        for sentinel in self.sentinels:
            try:
                await sentinel.sentinel_masters()
            except RedisError as exc:
                reason = reason or str(exc)
            else:
                return ""  # it answers, and names another
        return reason


def _line(service_name: str, reason: str) -> str:
    why = f" ({reason})" if reason else ""
    return f"no Sentinel names a master {service_name!r} that is up{why}"
