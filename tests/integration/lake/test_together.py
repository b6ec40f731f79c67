"""Several at once: ingestions of one stream, and readers while they and upkeep work."""

import threading
from datetime import timedelta

from streaming.lake import ask, opened, source
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import DETECTION_STREAM
from streaming.lake.upkeep import tidy
from tests.integration.lake.topics_to_lake import bring, column, frames, send


def test_two_ingestions_of_one_stream_at_once_bring_each_message_once(settings, monkeypatch):
    monkeypatch.setattr(source, "BATCH_MESSAGES", 200)
    monkeypatch.setattr(source, "_FETCH_MESSAGES", 200)
    send(settings, settings.kafka.topics.detection_results, frames(0, 2_000))
    with opened(settings) as con:
        ensure_schema(con)
    brought, failures = [], []

    def run():
        try:
            brought.append(bring(settings, DETECTION_STREAM)[0].messages)
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failures == []
    assert sum(brought) == 2_000
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(2_000))


HALF_SEEN = """
SELECT (SELECT sum(object_count) FROM detections) - (SELECT count(*) FROM detected_objects),
       (SELECT count(*) FROM detections)
         - (SELECT messages FROM ingestions WHERE stream = 'detections'),
       (SELECT count(*) FROM detections) - (SELECT sum(next_offset) FROM ingested_offsets)
"""


def test_readers_see_whole_batches_and_no_error_while_they_come_and_the_lake_is_tidied(
    settings, monkeypatch
):
    monkeypatch.setattr(source, "BATCH_MESSAGES", 150)
    monkeypatch.setattr(source, "_FETCH_MESSAGES", 150)
    send(settings, settings.kafka.topics.detection_results, frames(0, 1_500))
    with opened(settings) as con:
        ensure_schema(con)
    done, seen, failures = threading.Event(), [], []

    def read():
        try:
            while not done.is_set():
                seen.append(ask(settings, HALF_SEEN).rows[0])
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    (brought,) = bring(settings, DETECTION_STREAM)
    for n in range(5):
        send(settings, settings.kafka.topics.detection_results, frames(1_500 + n, 1_501 + n))
        bring(settings, DETECTION_STREAM)
        with opened(settings) as con:
            tidy(con, keep=timedelta(minutes=1))
    done.set()
    for reader in readers:
        reader.join(60)

    assert brought.batches >= 5
    assert failures == []
    assert set(seen) <= {(0, 0, 0), (None, 0, None)}
