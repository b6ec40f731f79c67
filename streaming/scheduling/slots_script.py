"""The script on Redis that decides for all instances, and what it is asked."""

import hashlib
from pathlib import Path
from typing import Literal, cast

import msgspec
import redis.asyncio
from redis.exceptions import NoScriptError

from streaming import redis_keys
from streaming.scheduling.batches import batches
from streaming.scheduling.limits import HORIZON_S
from streaming.scheduling.stats import ALIVE_S, POOL

_SCRIPT = (Path(__file__).parent / "slots.lua").read_text(encoding="utf-8")
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()  # Redis names it so

Report = tuple[str, str, str, float | int, float, tuple[int, ...]]


class Ask(msgspec.Struct, frozen=True):
    """What `slots.lua` is asked. `now` 0: by Redis's clock; `returning` 0: we were never away."""

    instance: str
    candidates: tuple[str, ...]
    count: int
    ahead: int
    tokens: int
    tickets: str
    reports: tuple[Report, ...]
    now: float = 0.0
    returning: int = 0
    horizon_s: float = HORIZON_S
    alive_s: float = ALIVE_S
    back_within_s: float = 2.0
    lease_s: float = 60.0


class Answer(msgspec.Struct, frozen=True):
    """What it answers: candidates' indices with their times, and how many instances there are.

    "unknown": a scope's rule is not there. "returning": others are not back yet.
    """

    now: float
    slots: list[tuple[int, float]]
    until_s: float
    instances: int
    state: Literal["ok", "unknown", "returning"]


class SlotsScript:
    """Asks `slots.lua`. Whatever Redis does not answer is raised as `redis.RedisError`."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._batches = batches(client)

    async def __call__(self, ask: Ask) -> Answer:
        """The answer of one atomic decision."""
        packed = msgspec.msgpack.encode(ask)
        try:
            found = await self._batches.run("EVALSHA", _SHA, *_KEYS, packed)
        except NoScriptError:
            found = await self._batches.run("EVAL", _SCRIPT, *_KEYS, packed)
        return msgspec.msgpack.decode(cast("bytes", found), type=Answer)


def key_of(part: str) -> str:
    """A Redis key of the pool's state; all lie in one hash slot."""
    return redis_keys.key_pool(POOL, part)


_KEYS = (2, key_of(""), key_of("rules"))
"""How many, and which. There never is a key of the first name, so that a Cluster refuses the
script (TRYAGAIN) while it moves the slot: it would decide on half of the state."""
