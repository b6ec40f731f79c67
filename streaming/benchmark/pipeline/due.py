"""Every moment at which a frame was due, and the frame that answered it. Pure.

A camera that stalls takes no frames meanwhile. To count only the frames that came would hide the
stall (coordinated omission), so each moment that was missed is answered by the next frame of its
camera, late by all the time in between.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from streaming.benchmark.pipeline.ledger import FrameSeen

_SAME = 0.25
"""Of an interval: due times nearer than this to each other are one moment."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is measured: due moments from `begin_s` on and before `end_s` (since 1970)."""

    begin_s: float
    end_s: float
    interval_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.begin_s

    def __contains__(self, at_s: float) -> bool:
        return self.begin_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class DueMoment:
    """`message_id` is of the frame that answered, None if no frame came any more.

    `missed` where the frame was due at a later moment.
    """

    camera_id: str
    due_s: float
    message_id: str | None
    missed: bool


def due_moments(
    frames: Mapping[str, FrameSeen], cameras: Iterable[str], window: Window
) -> list[DueMoment]:
    """The moments of all cameras within the window, camera by camera, in their order."""
    by_camera: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for message_id, frame in frames.items():
        by_camera[frame.camera_id].append((frame.due_s, message_id))
    found: list[DueMoment] = []
    for camera_id in cameras:
        found += _of_camera(camera_id, sorted(by_camera[camera_id]), window)
    return found


def _of_camera(
    camera_id: str, frames: list[tuple[float, str]], window: Window
) -> Iterable[DueMoment]:
    interval_s = window.interval_s
    # The grid goes through the first frame; one without frames begins with the window.
    grid_s = frames[0][0] if frames else window.begin_s
    at_s = grid_s + ceil((window.begin_s - grid_s) / interval_s) * interval_s
    index = 0
    while at_s < window.end_s:
        # Frames whose moment is past answer nothing more.
        while index < len(frames) and frames[index][0] < at_s - interval_s * _SAME:
            index += 1
        if index == len(frames):
            yield DueMoment(camera_id, at_s, None, missed=True)
            at_s += interval_s
            continue
        due_s, message_id = frames[index]
        late = due_s - at_s > interval_s * _SAME
        yield DueMoment(camera_id, at_s if late else due_s, message_id, missed=late)
        # The next moment follows the frames: clocks drift, and another worker has another grid.
        behind = due_s - at_s >= interval_s * (1 - _SAME)
        at_s = (at_s if behind else due_s) + interval_s
