"""What the worker asks of Redis: how tasks ended, and the images they point to."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, cast

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

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
        self._connection: AbstractConnection | None = None
        self._timeout_s: float | None = None

    def run(self, *command: Any) -> "asyncio.Future[Any]":
        """The answer to one command, on its way from now on.

        Raises:
            redis.RedisError: Redis did not answer, or not to this command.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        return answer

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
        """The answers in the commands' order; the same error for each where there is none.

        On one connection kept for good: redis-py's pool and pipeline around it cost a task
        0.1 ms of CPU more.
        """
        try:
            connection = await self._connected()
            answers: list[Any] = await connection.retry.call_with_retry(
                lambda: self._round_trip(connection, commands), lambda _: connection.disconnect()
            )
        except RedisError as exc:
            return [exc] * len(commands)
        except asyncio.CancelledError:
            if self._connection is not None:  # answers may be on their way: of no use
                await self._connection.disconnect(nowait=True)
            raise
        return answers

    async def _connected(self) -> AbstractConnection:
        if self._connection is None:
            pool = self._redis.connection_pool
            self._connection = await pool.get_connection()  # type: ignore[no-untyped-call]
            # One timeout for the round trip: redis-py's own make a task for each write.
            self._timeout_s = self._connection.socket_timeout
            self._connection.socket_timeout = None
        return self._connection

    async def _round_trip(
        self, connection: AbstractConnection, commands: list[tuple[Any, ...]]
    ) -> list[Any]:
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.send_packed_command(
                    b"".join([hiredis.pack_command(command) for command in commands])
                )
                return [await _answer(connection) for _ in commands]
        except TimeoutError as exc:
            raise RedisTimeout(f"no answer within {self._timeout_s} s (redis.timeout_s)") from exc


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as exc:
        return exc


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
