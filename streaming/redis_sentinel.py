"""Sentinels that say in a few words why they name no master."""

import re
from collections.abc import Mapping
from typing import Any

import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFound
from redis.sentinel import MasterNotFoundError

from streaming.redis_cluster import Hosts

_REASON = re.compile(r" - \w+\((['\"])(?P<said>.*?)\1\)")


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
        except MasterNotFoundError as exc:
            raise MasterNotFoundError(_short(service_name, exc)) from None


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
        except AsyncMasterNotFound as exc:
            raise AsyncMasterNotFound(_short(service_name, exc)) from None


def _short(service_name: str, exc: Exception) -> str:
    """redis-py's own text spells out every client with all its options."""
    reasons = dict.fromkeys(found["said"] for found in _REASON.finditer(str(exc)))
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"no Sentinel names a master {service_name!r} that is up{why}"
