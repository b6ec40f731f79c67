"""Bounded queues between threads, in which no camera holds up another."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Cameras take turns, and each camera's oldest item comes first.

    `offer` never waits: at `per_camera` items of one camera its oldest goes, at `total` items
    of all the oldest of the camera that has the most. A camera keeps its turn when its item is
    replaced, so that in overload every camera still gets through.
    """

    def __init__(
        self, camera_of: Callable[[T], str], *, per_camera: int, total: int | None = None
    ) -> None:
        self._camera_of = camera_of
        self._per_camera = per_camera
        self._total = total
        self._waiting: dict[str, deque[T]] = {}
        self._count = 0
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

        With one item there, `linger_s` more are given to others that are due together.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._count or self._closed, timeout_s):
                return []
            until_s = time.monotonic() + linger_s
            while self._count < most and not self._closed:
                left_s = until_s - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
            return [self._next() for _ in range(min(most, self._count))]

    def close(self) -> None:
        """Wake who waits; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> T:
        camera = next(iter(self._waiting))
        waiting = self._waiting.pop(camera)
        item = waiting.popleft()
        self._count -= 1
        if waiting:
            self._waiting[camera] = waiting
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
