"""Opening, creating, changing and asking a lake."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from streaming.errors import ConfigError
from streaming.lake import LakeUnavailable, ask, connect, opened, written_as
from streaming.lake.catalog import duck
from streaming.lake.one_state import of_one_state
from streaming.lake.query import Answer, QueryError
from streaming.lake.schema import VERSION, ensure_schema, version
from streaming.lake.tables import TABLES
from streaming.lake.transaction import transaction
from streaming.lake.upkeep import tidy
from streaming.lake.views import VIEWS
from streaming.settings import load
from tests.builders import detection_result
from tests.unit.lake.rows import bring


def test_every_table_column_and_view_describes_itself(lake):
    comments = dict(
        lake.execute(
            "SELECT table_name || '.' || column_name, comment FROM duckdb_columns()"
            " WHERE database_name = 'lake'"
        ).fetchall()
    )

    for table in TABLES:
        for column in table.columns:
            assert comments[f"{table.name}.{column.name}"] == column.description
    for view in VIEWS:
        lake.execute(f"FROM {view.name} LIMIT 0")


def test_what_a_question_loads_must_be_signed(lake):
    """Our own extensions come by pip, which checks them; their signatures are not."""
    (checked,) = lake.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone()
    assert checked is False
    with pytest.raises(duckdb.InvalidInputException):
        lake.execute("SET allow_unsigned_extensions = true")


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles"])
def test_now_and_today_are_utc_wherever_the_machine_is(settings, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with duck(settings) as con:
            now, zone = con.execute(
                "SELECT now()::TIMESTAMP, current_setting('TimeZone')"
            ).fetchone()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert zone == "UTC"
    assert abs(datetime.now(UTC).replace(tzinfo=None) - now) < timedelta(minutes=5)


def test_creating_the_schema_again_changes_nothing(settings, lake):
    ensure_schema(lake)
    with opened(settings) as other:
        ensure_schema(other)

    assert version(lake) == VERSION
    assert lake.execute("SELECT count(*) FROM ingestions").fetchone() == (4,)


def test_many_first_writers_create_one_schema(settings):
    failures = []

    def first_write():
        try:
            with opened(settings) as con:
                ensure_schema(con)
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    threads = [threading.Thread(target=first_write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert ask(settings, "SELECT stream FROM ingestions ORDER BY 1").rows == (
        ("assessments",),
        ("detections",),
        ("skipped",),
        ("tasks",),
    )


def test_a_lake_of_a_newer_version_is_left_alone(lake):
    lake.execute("INSERT INTO schema_versions VALUES (?, now()::TIMESTAMP)", [VERSION + 1])

    with pytest.raises(LakeUnavailable, match="upgrade"):
        ensure_schema(lake)


def test_reading_where_there_is_no_lake_says_what_fills_one(settings):
    with pytest.raises(LakeUnavailable, match="trafficmon demo"):
        connect(settings, read_only=True)


def test_a_catalog_that_is_no_catalog_is_one_line(tmp_path):
    bad = tmp_path / "catalog.sqlite"
    bad.write_text("this is not SQLite " * 100)
    settings = load(tmp_path, {"TRAFFICMON_LAKE_CATALOG": str(bad)})

    with pytest.raises(LakeUnavailable, match=r"lake\.catalog"):
        connect(settings)


@pytest.mark.parametrize("address", ["postgres:dbname=lake", "postgresql://u:secret@db/lake"])
def test_a_catalog_in_postgres_names_the_package_that_it_needs(tmp_path, monkeypatch, address):
    settings = load(tmp_path, {"TRAFFICMON_LAKE_CATALOG": address})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(ConfigError, match="duckdb-extension-postgres-scanner") as caught:
        connect(settings)
    assert "secret" not in str(caught.value)


def test_a_reader_cannot_write(settings, lake):
    with pytest.raises(QueryError):
        ask(settings, "DELETE FROM alerts")


def test_a_wrong_query_says_where(settings, lake):
    with pytest.raises(QueryError, match="nowhere"):
        ask(settings, "SELECT * FROM nowhere")


def test_a_transaction_that_lost_a_race_is_done_again(settings, lake):
    lake.execute("INSERT INTO alerts (rule, value) VALUES ('count', 0)")
    with opened(settings) as other:
        tries = []

        def add_one():
            tries.append(1)
            lake.execute("SELECT value FROM alerts").fetchone()
            if len(tries) == 1:
                other.execute("UPDATE alerts SET value = value + 1")
            lake.execute("UPDATE alerts SET value = value + 1")

        transaction(lake, add_one)

    assert len(tries) == 2
    assert lake.execute("SELECT value FROM alerts").fetchall() == [(2,)]


def test_a_transaction_that_fails_leaves_nothing(lake):
    def fail():
        lake.execute("INSERT INTO alerts (rule) VALUES ('x')")
        raise KeyError

    with pytest.raises(KeyError):
        transaction(lake, fail)
    assert lake.execute("SELECT count(*) FROM alerts").fetchone() == (0,)


def test_tidying_keeps_every_row(lake):
    for _ in range(5):
        bring(lake, "detections", *[detection_result() for _ in range(20)])

    freed = tidy(lake, keep=timedelta(0))

    assert freed["merges"] >= 1
    assert freed["snapshots_expired"] >= 1
    assert lake.execute("SELECT count(*) FROM detections").fetchone() == (100,)
    assert lake.execute("SELECT count(*) FROM detected_objects").fetchone() == (200,)


def test_what_an_earlier_reader_may_still_be_at_stays_the_day_over(settings, lake):
    files = settings.state_dir / "lake" / "data"
    for _ in range(5):
        bring(lake, "detections", *[detection_result() for _ in range(20)])
    before = set(files.rglob("*.parquet"))

    young = tidy(lake, keep=timedelta(hours=1))
    bring(lake, "detections", detection_result())
    old = tidy(lake, keep=timedelta(0))

    assert (young["merges"], young["snapshots_expired"]) == (2, 0)
    assert old["snapshots_expired"] > 5
    assert young["files_removed"] == old["files_removed"] == 0
    assert before <= set(files.rglob("*.parquet"))


def test_a_question_during_which_files_were_merged_is_asked_again(settings, lake):
    bring(lake, "detections", *[detection_result() for _ in range(3)])
    bring(lake, "detections", *[detection_result() for _ in range(3)])
    answers = []

    def question():
        answers.append(reader.execute("SELECT count(*) FROM detections").fetchone())
        if len(answers) == 1:
            tidy(lake, keep=timedelta(hours=1))
        return answers[-1]

    with opened(settings, read_only=True) as reader:
        assert of_one_state(reader, question) == (6,)
    assert len(answers) == 2


def test_a_question_that_meets_a_merge_each_time_is_given_up(settings, lake):
    def question():
        for _ in range(2):
            bring(lake, "detections", *[detection_result() for _ in range(3)])
        assert tidy(lake, keep=timedelta(hours=1))["merges"]

    with (
        opened(settings, read_only=True) as reader,
        pytest.raises(LakeUnavailable, match="merged all the time"),
    ):
        of_one_state(reader, question)


def test_no_row_is_kept_in_the_catalog_where_readers_would_miss_it_on_its_way_to_a_file(lake):
    lake.execute("UPDATE ingestions SET messages = messages + 1")
    bring(lake, "detections", detection_result())

    assert lake.execute("CALL ducklake_flush_inlined_data('lake')").fetchall() == []


ANSWER = Answer(("name", "n", "ms"), (("a|b", 1, 1234567.891), (None, None, 0.5)))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "name,n,ms\na|b,1,1234567.891\n,,0.5"),
        (
            "table",
            (
                "| name | n | ms        |\n| ---- | - | --------- |\n"
                "| a\\|b | 1 | 1234567.9 |\n|      |   | 0.5       |"
            ),
        ),
    ],
)
def test_an_answer_is_written_as_asked(form, text):
    assert written_as(ANSWER, form) == text


def test_an_answer_as_json_has_times_and_lists(settings, lake):
    answer = ask(settings, "SELECT TIMESTAMP '2026-11-23 12:00:00' AS t, ['a'] AS l, NULL AS n")

    assert json.loads(written_as(answer, "json")) == [
        {"t": "2026-11-23T12:00:00Z", "l": ["a"], "n": None}
    ]


def test_any_duckdb_reads_the_lake_under_any_name(settings, lake):
    """The documented ATTACH, with the packaged extensions: views work there too."""
    from streaming.lake.catalog import catalog_address, extension_file

    bring(lake, "detections", detection_result())
    with duckdb.connect() as con:
        for extension in ("sqlite_scanner", "ducklake"):
            con.execute(f"LOAD '{extension_file(extension)}'")
        con.execute(f"ATTACH 'ducklake:{catalog_address(settings)}' AS elsewhere (READ_ONLY)")
        assert con.execute("SELECT frames FROM elsewhere.camera_activity").fetchone() == (1,)


def test_every_table_and_view_is_documented():
    from streaming.lake import document

    page = Path(__file__).parents[3] / document.PAGE
    assert page.read_text(encoding="utf-8") == document.page(), (
        "run `python -m streaming.lake.document`"
    )
