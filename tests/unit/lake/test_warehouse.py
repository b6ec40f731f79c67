"""warehouse.duckdb, and what upkeep takes away."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from streaming.lake import LakeUnavailable
from streaming.lake.upkeep import data_bytes, retire, tidy
from streaming.lake.views import VIEWS
from streaming.lake.warehouse import publish
from tests.builders import detection_result, risk_assessment
from tests.unit.lake.rows import bring

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOW_IN_LAKE = NOW.replace(tzinfo=None)


def verdict(message_id, age_days):
    at = NOW - timedelta(days=age_days)
    return risk_assessment(message_id=message_id, captured_at=at)


def test_the_file_has_the_newest_days_and_every_view(settings, lake):
    bring(lake, "assessments", verdict("new", 1), verdict("old", 20))

    done = publish(settings, now=NOW_IN_LAKE)

    assert done.rows["assessments"] == 1
    with duckdb.connect(str(done.file), read_only=True) as con:
        assert con.execute("SELECT message_id FROM assessments").fetchall() == [("new",)]
        for view in VIEWS:
            con.execute(f"FROM {view.name}").fetchall()
        comments = con.execute("SELECT comment FROM duckdb_columns() WHERE column_name = 'llm_ms'")
        assert comments.fetchall()[0] == ("In the provider's calls, ms",)


def test_who_has_the_old_file_open_keeps_it(settings, lake):
    bring(lake, "assessments", verdict("first", 1))
    file = publish(settings, now=NOW_IN_LAKE).file
    with duckdb.connect(str(file), read_only=True) as reader:
        bring(lake, "assessments", verdict("second", 1))
        publish(settings, now=NOW_IN_LAKE)
        assert reader.execute("SELECT count(*) FROM assessments").fetchone() == (1,)
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM assessments").fetchone() == (2,)
    assert [p.name for p in file.parent.iterdir() if p.name.startswith(".")] == []


def test_without_a_lake_there_is_no_file(settings):
    with pytest.raises(LakeUnavailable):
        publish(settings, now=NOW_IN_LAKE)


def test_rows_past_their_days_go_and_zero_days_keep_for_ever(lake):
    bring(lake, "assessments", verdict("new", 10), verdict("old", 11), verdict("older", 300))
    bring(lake, "detections", detection_result(captured_at=NOW - timedelta(days=3_000)))

    gone = retire(lake, {"assessments": 10, "detections": 0, "rejected": 1}, now=NOW_IN_LAKE)

    assert gone == {"assessments": 2, "rejected": 0}
    assert lake.execute("SELECT message_id FROM assessments").fetchall() == [("new",)]
    assert lake.execute("SELECT count(*) FROM detections").fetchone() == (1,)


def test_what_is_retired_leaves_the_disk_once_no_snapshot_shows_it(settings, lake, monkeypatch):
    monkeypatch.setattr("streaming.lake.upkeep.REMOVE_AFTER", "INTERVAL '-1' DAY")
    bring(lake, "assessments", *[verdict(f"m{n}", 300) for n in range(500)])
    before = data_bytes(settings)

    retire(lake, {"assessments": 10}, now=NOW_IN_LAKE)
    assert data_bytes(settings) == before
    tidy(lake, keep=timedelta(0))

    assert data_bytes(settings) < before
    assert list((settings.state_dir / "lake").rglob("assessments/**/*.parquet")) == []
