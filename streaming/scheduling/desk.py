"""The tasks under way: each worked on once, and handed back when its partition goes."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

from streaming.messages import AssessmentTask, Failure, RiskAssessment, encode
from streaming.scheduling.assess import Withdrawn
from streaming.scheduling.case import Progress, unassessed
from streaming.scheduling.intake import Job

log = logging.getLogger(__name__)


class Assesses(Protocol):
    """Who judges a task."""

    @property
    def calling(self) -> int:
        """How many calls are under way."""

    def prepare(self, task: AssessmentTask, progress: Progress) -> None: ...

    async def assess(self, task: AssessmentTask, progress: Progress) -> RiskAssessment: ...


class Remembers(Protocol):
    """Who knows how a task ended before."""

    async def find(self, task_id: str) -> bytes | None: ...

    async def remember(self, task_id: str, encoded: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """What is put under a result that no model had a part in."""

    model: str
    prompt_version: str


@dataclass(slots=True, eq=False)
class _Work:
    job: Job
    progress: Progress = field(default_factory=Progress)
    running: "asyncio.Task[None] | None" = None


class Desk:
    """Works on every job at once; the turnstile decides which one calls."""

    def __init__(
        self,
        assessor: Assesses,
        finished: Remembers,
        publish: Callable[[Job, bytes], None],
        signature: Signature,
    ) -> None:
        self._assessor = assessor
        self._finished = finished
        self._publish = publish
        self._signature = signature
        self._works: set[_Work] = set()
        # The same task twice on the topic: the second one waits and finds the first one's end.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def unfinished(self) -> int:
        """Jobs taken and not ended."""
        return len(self._works)

    @property
    def waiting(self) -> int:
        """About how many of them have no slot yet."""
        return len(self._works) - self._assessor.calling

    def take(self, jobs: list[Job]) -> None:
        """Begin to work on these."""
        for job in jobs:
            work = _Work(job)
            self._works.add(work)
            work.running = asyncio.create_task(self._run(work))

    async def withdraw(self, partitions: Collection[int] | None, timeout_s: float) -> None:
        """Hand back what waits; finish the calls under way, for at most `timeout_s`."""
        chosen = [w for w in self._works if partitions is None or w.job.partition in partitions]
        for work in chosen:
            work.progress.withdrawn = True
            if work.running is not None and not work.progress.calling:
                work.running.cancel()
        running = {w.running for w in chosen if w.running is not None}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            log.warning("calls given up at the end", extra={"calls": len(late)})
            await asyncio.wait(late)

    async def _run(self, work: _Work) -> None:
        job = work.job
        try:
            await self._work_on(job, work.progress)
        except Withdrawn:
            pass
        except Exception as exc:
            log.exception(
                "task not assessed",
                extra={
                    "task_id": job.task.task_id, "partition": job.partition, "offset": job.offset
                },
            )  # fmt: skip
            self._publish(job, encode(self._broken(job.task, exc)))
        finally:
            self._works.discard(work)

    async def _work_on(self, job: Job, progress: Progress) -> None:
        task_id = job.task.task_id
        lock = self._locks.get(task_id)
        if lock is None:
            lock = self._locks[task_id] = asyncio.Lock()
        async with lock:
            self._assessor.prepare(job.task, progress)
            encoded = await self._finished.find(task_id)
            if encoded is None:
                result = await self._assessor.assess(job.task, progress)
                encoded = encode(result)
                await self._finished.remember(task_id, encoded)
            self._publish(job, encoded)

    def _broken(self, task: AssessmentTask, exc: Exception) -> RiskAssessment:
        return unassessed(
            task,
            Failure("internal", f"{type(exc).__name__}: {exc}"),
            model=self._signature.model,
            prompt_version=self._signature.prompt_version,
            now=datetime.now(UTC),
        )
