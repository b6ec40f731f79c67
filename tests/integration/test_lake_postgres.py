"""The lake with its catalog in PostgreSQL, by one setting: a real server."""

import importlib.util
import tempfile
import threading
import uuid
from pathlib import Path

import duckdb
import pytest

from streaming.kafka import admin
from streaming.lake import ask, opened, source
from streaming.lake.ingest import ingest
from streaming.lake.migrate import back_up, prepare
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import ASSESSMENT_STREAM, DETECTION_STREAM
from streaming.lake.tables import TABLES
from streaming.lake.transaction import transaction
from streaming.lake.upkeep import tidy
from streaming.messages import encode
from tests.builders import risk_assessment
from tests.integration.own_postgres import own_postgres, program
from tests.integration.test_lake_ingestion import frames, send

pytestmark = [
    pytest.mark.skipif(
        program("initdb") is None, reason="no initdb: `apt-get install postgresql` has it"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("duckdb_extension_postgres_scanner") is None,
        reason="duckdb-extension-postgres-scanner is not installed: `make setup`",
    ),
]


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
    from datetime import timedelta

    with opened(settings) as con:
        prepare(settings, con)
        assert tidy(con, keep=timedelta(0))["snapshots_expired"] >= 1
    with duckdb.connect(str(back_up(settings, "test")), read_only=True) as kept:
        assert kept.execute("SELECT count(*) FROM ducklake_table").fetchone()[0] >= len(TABLES)
