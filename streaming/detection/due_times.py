"""When each camera's frames are due. Pure."""

from dataclasses import dataclass
from math import floor

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class DueTimes:
    """A fixed grid: `offset_s`, then every `interval_s`, in seconds of any one clock."""

    interval_s: float
    offset_s: float

    def after(self, now_s: float) -> float:
        """The first due time later than `now_s`; those missed meanwhile are not made up for."""
        passed = floor((now_s - self.offset_s) / self.interval_s)
        due_s = self.offset_s + (passed + 1) * self.interval_s
        return due_s if due_s > now_s else due_s + self.interval_s


def staggered(index: int, interval_s: float, start_s: float) -> DueTimes:
    """The grid of the n-th camera: phases by the golden ratio lie apart for any number of them."""
    return DueTimes(interval_s, start_s + interval_s * ((index * _GOLDEN) % 1.0))
