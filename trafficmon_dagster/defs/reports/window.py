"""The time that a report covers. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`: UTC without a zone, as the lake's times are.

    `zone` is the one that people read; `now` (UTC without a zone) tells whether it is over.
    """

    start: datetime
    end: datetime
    zone: str
    now: datetime

    @property
    def seen_until(self) -> datetime:
        """The end, or now while the window is under way."""
        return max(self.start, min(self.end, self.now))

    @property
    def title(self) -> str:
        """For a person, with the zone."""
        start, end = self.local(self.start), self.local(self.end)
        if self.end - self.start <= timedelta(hours=2):
            said = f"{start:%Y-%m-%d, %H:%M} to {end:%H:%M} {self.zone}"
        else:
            said = f"{start:%Y-%m-%d} {self.zone}"
        if self.now < self.end:
            said += f", as of {self.local(self.now):%H:%M}"
        return said

    @property
    def step(self) -> timedelta:
        """The width of a bar or point in a plot: two minutes of an hour, half an hour of a day."""
        return (self.end - self.start) / (30 if self.end - self.start <= timedelta(hours=2) else 48)

    def local(self, at: datetime) -> datetime:
        """A time of the lake on this window's clock, without a zone again, for plots and tables."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def clock(self, at: datetime | None) -> str | None:
        """Hours, minutes and seconds, local."""
        return None if at is None else f"{self.local(at):%H:%M:%S}"
