"""What a person may write into `since`, and that every stream has its warning."""

from datetime import UTC, datetime, timedelta, timezone

import dagster as dg
import pytest

from streaming.lake.streams import STREAMS
from trafficmon_dagster.defs.lake import retention
from trafficmon_dagster.defs.lake.backfill import moment


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("beginning", None),
        ("2026-11-25T06:00:00Z", datetime(2026, 11, 25, 6, tzinfo=UTC)),
        ("2026-11-25 06:00", datetime(2026, 11, 25, 6, tzinfo=UTC)),
        (
            "2026-11-25T06:00:00+08:00",
            datetime(2026, 11, 25, 6, tzinfo=timezone(timedelta(hours=8))),
        ),
    ],
)
def test_since_is_the_beginning_or_a_time_in_utc_unless_it_says_otherwise(text, at):
    assert moment(text) == at


def test_anything_else_is_refused():
    with pytest.raises(dg.Failure, match="yesterday"):
        moment("yesterday")


def test_every_stream_has_a_table_whose_check_warns():
    tables = {stream.name: stream.targets[0].table.name for stream in STREAMS}

    assert tables == retention.FIRST_TABLE


def test_a_warning_is_told_when_it_begins_and_when_it_ends_and_not_between(trafficmon, monkeypatch):
    found: dict[str, str] = {}
    monkeypatch.setattr(retention, "_behind", lambda _trafficmon: found)

    def tick(cursor):
        context = dg.build_sensor_context(cursor=cursor, resources={"trafficmon": trafficmon})
        return retention.retention_nears(context)

    first = tick(None)
    assert all(event.passed for event in first.asset_events)
    found["tasks"] = "assessment-tasks: 20 messages are older than 1 h"
    begun = tick(first.cursor)
    assert [e.asset_key.path[-1] for e in begun.asset_events if not e.passed] == ["tasks"]
    assert "20 messages" in tick(begun.cursor).skip_message
    found.clear()
    assert all(event.passed for event in tick(begun.cursor).asset_events)
