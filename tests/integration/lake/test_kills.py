"""Ingestion that is killed loses and repeats nothing."""

import pickle
import subprocess
import sys
import threading

import pytest

from streaming.lake import ask
from streaming.lake.streams import STREAMS
from streaming.messages import encode
from tests.builders import assessment_task, risk_assessment
from tests.integration.lake.topics_to_lake import bring, column, frames, send

KILLS = [
    ("staged", 1),
    ("moved", 1),
    ("inserted", 2),
    ("+inserted", 1),
    ("+inserted", 3),
    ("committed", 1),
    ("+moved", 4),
    ("inserted", 4),
]


def kill_at(settings_file, moment, nth):
    command = [sys.executable, "-m", "tests.integration.ingest_process", str(settings_file)]
    with subprocess.Popen([*command, moment, str(nth)], stdout=subprocess.PIPE, text=True) as run:
        watchdog = threading.Timer(120, run.kill)
        watchdog.start()
        run.stdout.readline()
        run.kill()
        watchdog.cancel()


def test_ingestion_killed_at_any_moment_loses_and_repeats_nothing(settings, tmp_path):
    topics = settings.kafka.topics
    everything = frames(0, 2_000)
    tasks = [encode(assessment_task(message_id=f"m{n}")) for n in range(1_000)]
    send(settings, topics.detection_results, everything)
    send(settings, topics.assessment_tasks, tasks)
    file = tmp_path / "settings"
    file.write_bytes(pickle.dumps(settings))

    for moment, nth in KILLS:
        kill_at(file, moment, nth)
    bring(settings, *STREAMS)

    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(2_000))
    objects = ask(settings, "SELECT message_id, object_id FROM detected_objects").rows
    assert sorted(objects) == sorted((f"m{n}", o) for n in range(2_000) for o in (0, 1))
    ids = column(settings, "SELECT message_id FROM tasks")
    assert sorted(ids) == sorted(f"m{n}" for n in range(1_000))
    assert column(settings, "SELECT 1 FROM ingestion_gaps") == []


@pytest.mark.parametrize("seed", [7])
def test_ingestion_killed_at_random_moments_loses_and_repeats_nothing(settings, tmp_path, seed):
    """Ten kills here; `trafficmon bench lake-kills` does hundreds."""
    from streaming.benchmark.lake_kills import kill_often

    topics = settings.kafka.topics
    sent = []

    def send_some():
        begin = len(sent)
        sent.extend(f"m{n}" for n in range(begin, begin + 3_000))
        send(settings, topics.detection_results, frames(begin, len(sent)))
        verdicts = [encode(risk_assessment(message_id=name)) for name in sent[begin:]]
        send(settings, topics.risk_assessment_results, verdicts)

    send_some()
    assert kill_often(settings, send_some, kills=10, batch_messages=100, seed=seed) > 0
    bring(settings, *STREAMS)

    for table in ("detections", "assessments"):
        ids = column(settings, f"SELECT message_id FROM {table}")  # noqa: S608
        assert sorted(ids) == sorted(sent)
    assert column(settings, "SELECT 1 FROM ingestion_gaps") == []
