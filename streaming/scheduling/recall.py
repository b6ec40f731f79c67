"""What the worker asks of Redis: how tasks ended, and the images they point to."""

import asyncio
import logging
from typing import Any, cast

import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.settings import Topic

log = logging.getLogger(__name__)

_LONGER_THAN_TOPIC_MS = 3_600_000
_AT_ONCE = 32


class Batches:
    """Commands of many tasks in few round trips.

    What comes while one round trip is under way goes with the next, 32 commands at most: alone,
    a command waits for nobody; under load each costs a fraction (measured: 0.07 ms of CPU
    instead of 0.25), and no burst of tasks asks for more connections than the pool has.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def run(self, *command: Any) -> Any:
        """The answer to one command.

        Raises:
            redis.RedisError: Redis did not answer, or not to this command.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        return await answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                answers = await self._exchange([command for command, _ in batch])
                for (_, future), answer in zip(batch, answers, strict=True):
                    if future.done():
                        continue  # its task was handed back meanwhile
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:
            self._sender = None

    async def _exchange(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The answers in the commands' order; the same error for each where there is none."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return await pipe.execute(raise_on_error=False)
        except RedisError as exc:
            return [exc] * len(commands)


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

    async def get(self, ref: str) -> bytes | None:
        """The JPEG, or None when it is gone.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return cast("bytes | None", await self._batches.run("GET", redis_keys.image(ref)))
