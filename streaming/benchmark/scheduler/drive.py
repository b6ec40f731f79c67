"""The two kinds of load. Open: tasks come when they come. Closed: an end begets the next task."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from streaming.benchmark.scheduler.load import Arrivals, spread
from streaming.benchmark.scheduler.pacing import due_times_s
from streaming.benchmark.scheduler.traffic import End, Ends, Sender
from streaming.errors import ServiceError

_READ_S = 0.02
_TOGETHER_S = 0.1
"""Full load comes in portions: a request to the broker for each task took half a core."""
_TICK_S = 0.1
_SEED = 1

Tick = Callable[[], None]


class Drive:
    """Sends tasks, reads their ends, and calls every one of `ticks` each tenth of a second."""

    def __init__(self, sender: Sender, ends: Ends, ticks: Sequence[Tick] = ()) -> None:
        self.sender = sender
        self.ends = ends
        self.ticks = list(ticks)
        self._outstanding: Counter[int] = Counter()
        self._next_partition = 0
        self._next_tick = 0.0

    @property
    def outstanding(self) -> int:
        """Tasks sent and not ended."""
        return self._outstanding.total()

    def open_loop(self, rate_per_s: float, for_s: float, arrivals: Arrivals) -> list[str]:
        """Tasks at this rate, over the partitions in turn; the ids of all."""
        begun, first = time.monotonic(), len(self.sender.sent)
        for due_s in due_times_s(rate_per_s, arrivals, random.Random(_SEED)):  # noqa: S311
            if due_s >= for_s:
                break
            while (left_s := begun + due_s - time.monotonic()) > 0:
                self._read(min(left_s, _READ_S))
            self._send(self._next_partition)
            self._next_partition = (self._next_partition + 1) % self.sender.partitions
        return list(self.sender.sent)[first:]

    def closed_loop(self, tasks: int, until: Callable[[], bool]) -> None:
        """Keep so many unfinished, the same number in every partition.

        A task's successor goes to the same partition, so that no instance runs dry and none
        gathers a queue: who gets more calls does more of them.
        """
        for partition, wanted in enumerate(spread(tasks, self.sender.partitions)):
            for _ in range(wanted - self._outstanding[partition]):
                self._send(partition)
        while not until():
            time.sleep(_TOGETHER_S)
            for end in self._read(_READ_S):
                self._send(self.sender.sent[end.task_id])

    def closed_loop_for(self, tasks: int, for_s: float) -> None:
        """The same for so long."""
        deadline = time.monotonic() + for_s
        self.closed_loop(tasks, lambda: time.monotonic() >= deadline)

    def one_each(self) -> None:
        """A task in every partition."""
        for partition in range(self.sender.partitions):
            self._send(partition)

    def wait(self, timeout_s: float) -> int:
        """Read until every task has ended, or for so long; how many have not."""
        deadline = time.monotonic() + timeout_s
        while self.outstanding and time.monotonic() < deadline:
            self._read(_READ_S)
        return self.outstanding

    def drain(self, timeout_s: float) -> None:
        """Read until every task has ended.

        Raises:
            ServiceError: some have not.
        """
        if left := self.wait(timeout_s):
            raise ServiceError(
                f"{left} of {len(self.sender.sent)} tasks have not ended after {timeout_s:g} s"
            )

    def _send(self, partition: int) -> None:
        self.sender.send(partition)
        self._outstanding[partition] += 1

    def _read(self, timeout_s: float) -> list[End]:
        ends = self.ends.read(timeout_s)
        for end in ends:
            self._outstanding[self.sender.sent[end.task_id]] -= 1
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + _TICK_S
            for tick in self.ticks:
                tick()
        return ends
