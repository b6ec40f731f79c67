"""The hours and days of the reports, in the time zone of the settings."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from streaming.errors import ConfigError
from streaming.settings import load

HOURS_KEPT = timedelta(days=14)
DAYS_KEPT = timedelta(days=180)


def _time_zone() -> str:
    # Wrong settings are told by every run: the page that shows it has to open.
    try:
        return load().serving.dagster.time_zone
    except ConfigError:
        return "UTC"


TIME_ZONE = _time_zone()
_TODAY = datetime.now(ZoneInfo(TIME_ZONE)).replace(
    hour=0, minute=0, second=0, microsecond=0, tzinfo=None
)

# They begin where upkeep forgets runs, and not at a fixed day, so that the bars in the web UI
# show what can be there. The hour and the day under way are partitions too, made anew until
# they end.
HOURLY = dg.HourlyPartitionsDefinition(_TODAY - HOURS_KEPT, timezone=TIME_ZONE, end_offset=1)
DAILY = dg.DailyPartitionsDefinition(_TODAY - DAYS_KEPT, timezone=TIME_ZONE, end_offset=1)
