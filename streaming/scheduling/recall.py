"""What the worker asks of Redis: how tasks ended, and the images they point to."""

import logging
from collections.abc import Awaitable
from typing import cast

from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.scheduling.batches import Batches
from streaming.settings import Topic

log = logging.getLogger(__name__)

_LONGER_THAN_TOPIC_MS = 3_600_000


class FinishedTasks:
    """Results by taskId, kept longer than Kafka keeps the tasks.

    So a task delivered again is published again and not called again.

    Redis being away stops no task: what it cannot remember may, after a crash in that very
    time, be called twice. The log says so.
    """

    def __init__(self, batches: Batches, tasks_topic: Topic) -> None:
        self._batches = batches
        self._ttl_ms = tasks_topic.retention_ms + _LONGER_THAN_TOPIC_MS

    async def find(self, task_id: str) -> bytes | None:
        """The encoded result of a task that ended before, or None."""
        try:
            found = await self._batches.run("GET", redis_keys.assessed(task_id))
        except RedisError as exc:
            log.warning(
                "cannot tell whether a task ended before: %s", exc, extra={"task_id": task_id}
            )
            return None
        return cast("bytes | None", found)

    async def remember(self, task_id: str, encoded: bytes) -> None:
        """Keep the encoded result."""
        key = redis_keys.assessed(task_id)
        try:
            await self._batches.run("SET", key, encoded, "PX", self._ttl_ms)
        except RedisError as exc:
            log.warning("cannot remember a task's end: %s", exc, extra={"task_id": task_id})


class BatchedImages:
    """The image store, by the same round trips."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def get(self, ref: str, max_bytes: int) -> Awaitable[bytes | None]:
        """The JPEG, or nothing when it is gone; of a longer one, `max_bytes` and one more.

        On its way from now on, whenever it is awaited.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return self._batches.run("GETRANGE", redis_keys.image(ref), 0, max_bytes)
