"""How a source is asked: how often, and how long its silence is borne. Pure."""

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

_LEAST_STALL_S = 4.0
_MOST_STALL_S = 30.0
_KEYS_SEEN = 3


@dataclass(frozen=True, slots=True)
class Sampling:
    """`stall_intervals` without a frame mean that the camera hangs; `key_frames` allows to decode
    only those of a stream, where they come often enough."""

    interval_s: float = 1.8
    stall_intervals: float = 4.0
    key_frames: bool = True

    @property
    def stall_s(self) -> float:
        """Seconds without a frame that count as a failure: 4 to 30."""
        return min(_MOST_STALL_S, max(_LEAST_STALL_S, self.stall_intervals * self.interval_s))


@dataclass(slots=True)
class KeyFrames:
    """Learns how often a stream has a key frame, and so whether the others can be left out."""

    interval_s: float
    _times_s: deque[float] = field(default_factory=lambda: deque(maxlen=_KEYS_SEEN))

    def came(self, at_s: float) -> None:
        """A key frame of this presentation time."""
        self._times_s.append(at_s)

    def suffice(self) -> bool:
        """Whether the last ones came at least once an interval.

        A frame is then up to an interval later than it was due, and still fresh.
        """
        times = list(self._times_s)
        if len(times) < _KEYS_SEEN:
            return False
        gaps = [b - a for a, b in pairwise(times)]
        return min(gaps) > 0.0 and max(gaps) <= self.interval_s
