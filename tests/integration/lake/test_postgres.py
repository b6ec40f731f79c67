"""The lake with its catalog in PostgreSQL, by one setting: a real server."""

import tempfile
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from streaming.kafka import admin
from streaming.lake import ask, opened, source
from streaming.lake.catalog import extension_file
from streaming.lake.ingest import ingest
from streaming.lake.migrate import back_up, prepare
from streaming.lake.schema import VERSION, ensure_schema, version
from streaming.lake.streams import ASSESSMENT_STREAM, DETECTION_STREAM
from streaming.lake.tables import TABLES
from streaming.lake.transaction import transaction
from streaming.lake.upkeep import tidy
from streaming.messages import encode
from tests.builders import risk_assessment
from tests.integration.lake.topics_to_lake import frames, send
from tests.integration.own_postgres import own_postgres

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture(scope="module")
def database():
    # Its user must be able to reach the folder, which pytest's are not for.
    with tempfile.TemporaryDirectory(prefix="trafficmon-pg-") as folder:
        Path(folder).chmod(0o755)
        with own_postgres(Path(folder)) as database:
            yield database


@pytest.fixture
def settings(make_settings, database):
    settings = make_settings(TRAFFICMON_LAKE_CATALOG=database(f"lake_{uuid.uuid4().hex}"))
    with opened(settings) as con:
        ensure_schema(con)
    admin.ensure_topics(settings.kafka)
    return settings


def test_two_processes_ingest_two_topics_at_once_every_message_once(settings, monkeypatch):
    monkeypatch.setattr(source, "BATCH_MESSAGES", 200)
    monkeypatch.setattr(source, "_FETCH_MESSAGES", 200)
    topics = settings.kafka.topics
    send(settings, topics.detection_results, frames(0, 1_000))
    verdicts = [encode(risk_assessment(message_id=f"m{n}")) for n in range(1_000)]
    send(settings, topics.risk_assessment_results, verdicts)
    failures = []

    def bring(stream):
        try:
            with opened(settings) as con:
                ingest(con, settings.kafka, stream)
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    threads = [
        threading.Thread(target=bring, args=[stream])
        for stream in (DETECTION_STREAM, ASSESSMENT_STREAM)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failures == []
    wanted = sorted(f"m{n}" for n in range(1_000))
    for table in ("detections", "assessments"):
        found = ask(settings, f"SELECT message_id FROM {table}").rows  # noqa: S608
        assert sorted(row[0] for row in found) == wanted


def test_a_change_that_loses_a_race_is_done_again(settings):
    with opened(settings) as first, opened(settings) as second:
        tries = []

        def add_one():
            tries.append(1)
            first.execute("SELECT messages FROM ingestions WHERE stream = 'tasks'").fetchone()
            if len(tries) == 1:
                second.execute("UPDATE ingestions SET messages = 5 WHERE stream = 'tasks'")
            first.execute("UPDATE ingestions SET messages = messages + 1 WHERE stream = 'tasks'")

        transaction(first, add_one)

    found = ask(settings, "SELECT messages FROM ingestions WHERE stream = 'tasks'").rows
    assert (len(tries), found) == (2, ((6,),))


def test_upkeep_and_backup_work_there_too(settings):
    with opened(settings) as con:
        prepare(settings, con)
        assert tidy(con, keep=timedelta(0))["snapshots_expired"] >= 1
    with duckdb.connect(str(back_up(settings, "test")), read_only=True) as kept:
        assert kept.execute("SELECT count(*) FROM ducklake_table").fetchone()[0] >= len(TABLES)


def test_a_backup_leaves_out_the_tables_of_others_in_the_same_database(settings):
    address = str(settings.lake.catalog).removeprefix("postgres:")
    with duckdb.connect() as con:
        con.execute(f"LOAD '{extension_file('postgres_scanner')}'")
        con.execute(f"ATTACH '{address}' AS theirs (TYPE postgres)")
        con.execute("CREATE TABLE theirs.public.salaries AS SELECT 1 AS secret")
        con.execute("CREATE SCHEMA theirs.another")
        con.execute("CREATE TABLE theirs.another.ducklake_table AS SELECT 1 AS stranger")

    with duckdb.connect(str(back_up(settings, "shared")), read_only=True) as kept:
        names = [
            row[0] for row in kept.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        ]
        assert kept.execute("SELECT count(*) FROM ducklake_table").fetchone()[0] >= len(TABLES)
    assert {name.partition("_")[0] for name in names} == {"ducklake"}


def test_a_catalog_of_an_earlier_version_is_brought_up_to_date(settings):
    """Of version 5, whose bookkeeping lay in the catalog."""
    option = "'data_inlining_row_limit', 100000, table_name => 'ingestions'"
    with opened(settings) as con:
        con.execute("DELETE FROM schema_versions WHERE version > 5")
        con.execute("INSERT INTO schema_versions VALUES (5, now()::TIMESTAMP)")
        con.execute(f"CALL lake.set_option({option})")
        con.execute("UPDATE ingestions SET messages = 5 WHERE stream = 'tasks'")

        ensure_schema(con)

        assert version(con) == VERSION
        con.execute("UPDATE ingestions SET messages = messages + 1 WHERE stream = 'tasks'")
        assert con.execute("SELECT max(messages) FROM ingestions").fetchone() == (6,)
        assert con.execute("CALL ducklake_flush_inlined_data('lake')").fetchall() == []


def test_any_reader_sees_every_row_while_files_are_merged(settings):
    done, seen = threading.Event(), []

    def read():
        with opened(settings, read_only=True) as con:
            while not done.is_set():
                seen.append(con.execute("SELECT count(*) FROM detections").fetchone()[0])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with opened(settings) as con:
        for n in range(10):
            send(settings, settings.kafka.topics.detection_results, frames(50 * n, 50 * (n + 1)))
            ingest(con, settings.kafka, DETECTION_STREAM)
            if n % 2:
                assert tidy(con, keep=timedelta(minutes=1))["merges"]
    done.set()
    for reader in readers:
        reader.join(60)

    assert seen
    assert set(seen) <= {50 * n for n in range(11)}
    assert seen[-1] >= 450
