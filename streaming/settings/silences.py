"""When nobody is to be told of an alert: a maintenance, every night."""

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from streaming.settings.base import Section

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


class Silence(Section):
    """Alerts that match fire, are kept and shown, and nobody is told while it lasts."""

    rule: str | None = Field(None, min_length=1, description="Name of the rule; unset: every rule")
    labels: dict[str, str] = Field(
        {}, description="Only alerts with these labels: {camera: 3}; unset: all"
    )
    since: datetime | None = Field(
        None,
        description="Begins then; without a zone in serving.dagster.time_zone; unset: at once",
    )
    until: datetime | None = Field(None, description="Ends then")
    daily: str | None = Field(
        None, description="Hours of every day, 22:00-06:00, in serving.dagster.time_zone"
    )
    reason: str = Field("", description="Why, for those who read it")

    @field_validator("daily")
    @classmethod
    def _are_hours(cls, daily: str | None) -> str | None:
        if daily is not None and (not _HOURS.fullmatch(daily) or len(set(_hours(daily))) < 2):
            raise ValueError("must be hours such as 22:00-06:00")
        return daily

    @model_validator(mode="after")
    def _says_when(self) -> "Silence":
        if self.daily is None and self.until is None:
            raise ValueError("must have `until` or `daily`: a silence without an end hides alerts")
        return self

    def covers(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether it is silent at this moment, which has a zone."""
        local = moment.astimezone(zone)
        if self.since is not None and local < _in(self.since, zone):
            return False
        if self.until is not None and local >= _in(self.until, zone):
            return False
        if self.daily is None:
            return True
        begin, end = _hours(self.daily)
        at = local.time()
        return begin <= at < end if begin < end else at >= begin or at < end


def _hours(daily: str) -> tuple[time, time]:
    numbers = [int(n) for n in re.findall(r"\d+", daily)]
    return time(numbers[0], numbers[1]), time(numbers[2], numbers[3])


def _in(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
