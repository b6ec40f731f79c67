"""Bounded queues between threads, in which no camera holds up another."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Cameras take turns, and each camera's oldest item comes first.

    `offer` never waits: at `per_camera` items of one camera its oldest goes, at `total` items
    of all the oldest of the camera that has the most. A camera keeps its turn when its item is
    replaced, so that in overload every camera still gets through. With `hold`, a camera whose
    item was taken has no turn until `done`: its items stay in order whoever works on them.
    """

    def __init__(
        self,
        camera_of: Callable[[T], str],
        *,
        per_camera: int,
        total: int | None = None,
        hold: bool = False,
    ) -> None:
        self._camera_of = camera_of
        self._per_camera = per_camera
        self._total = total
        self._hold = hold
        self._held: set[str] = set()
        self._waiting: dict[str, deque[T]] = {}
        self._count = 0
        self._takers = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._count

    def offer(self, item: T) -> list[T]:
        """Add an item; return those dropped for it, oldest first."""
        with self._changed:
            camera = self._camera_of(item)
            waiting = self._waiting.setdefault(camera, deque())
            waiting.append(item)
            self._count += 1
            dropped = []
            while len(waiting) > self._per_camera:
                dropped.append(self._drop_oldest(camera))
            while self._total is not None and self._count > self._total:
                dropped.append(self._drop_oldest(max(self._waiting, key=self._length)))
            self._changed.notify()
            return dropped

    def take(self, most: int, *, timeout_s: float, linger_s: float = 0.0) -> list[T]:
        """Up to `most` items, none after `timeout_s` or once closed and empty.

        With one item there, `linger_s` more are given to others that are due together. Of
        what is there then, each thread that waits for some is left an even part.
        """
        with self._changed:
            self._takers += 1
            try:
                if not self._changed.wait_for(lambda: self._ready() or self._closed, timeout_s):
                    return []
                self._linger(most, time.monotonic() + linger_s)
                part = -(-self._ready() // self._takers)
                return [self._next() for _ in range(min(most, part))]
            finally:
                self._takers -= 1

    def done(self, items: Iterable[T]) -> None:
        """These, once taken, are worked on no more: their cameras have turns again."""
        with self._changed:
            self._held.difference_update(self._camera_of(item) for item in items)
            self._changed.notify_all()

    def close(self) -> None:
        """Wake who waits; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _linger(self, most: int, until_s: float) -> None:
        while self._ready() < most and not self._closed:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not self._changed.wait(left_s):
                return

    def _ready(self) -> int:
        """How many items could be taken now."""
        if not self._hold:
            return self._count
        return sum(camera not in self._held for camera in self._waiting)

    def _next(self) -> T:
        camera = next(c for c in self._waiting if c not in self._held)
        waiting = self._waiting.pop(camera)
        item = waiting.popleft()
        self._count -= 1
        if waiting:
            self._waiting[camera] = waiting
        if self._hold:
            self._held.add(camera)
        return item

    def _length(self, camera: str) -> int:
        return len(self._waiting[camera])

    def _drop_oldest(self, camera: str) -> T:
        waiting = self._waiting[camera]
        item = waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._waiting[camera]
        return item
