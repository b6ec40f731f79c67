"""A backfill brings what the lake lacks, and nothing twice."""

from datetime import UTC, datetime, timedelta

from streaming.lake import opened
from streaming.lake.backfill import backfill
from streaming.lake.streams import ASSESSMENT_STREAM, DETECTION_STREAM
from streaming.messages import encode
from tests.builders import risk_assessment
from tests.integration.lake.topics_to_lake import START, bring, column, frames, send


def test_a_backfill_brings_what_the_lake_lost_and_nothing_twice(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, [*frames(0, 200), b"no message"])
    bring(settings, DETECTION_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM detections WHERE message_id < 'm15'")
        con.execute("DELETE FROM detected_objects WHERE message_id < 'm15'")
    lost = 200 - len(column(settings, "SELECT 1 FROM detections"))
    send(settings, topic, frames(200, 250))

    with opened(settings) as con:
        first = backfill(con, settings.kafka, DETECTION_STREAM)
        second = backfill(con, settings.kafka, DETECTION_STREAM)

    assert (first.messages, second.messages) == (lost, 0)
    assert first.rows == {"detections": lost, "detected_objects": 2 * lost}
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(200))
    assert len(column(settings, "SELECT 1 FROM rejected")) == 1
    assert bring(settings, DETECTION_STREAM)[0].messages == 50


def test_a_backfill_brings_a_verdicts_calls_with_it(settings):
    send(
        settings,
        settings.kafka.topics.risk_assessment_results,
        [encode(risk_assessment(message_id=f"m{n}")) for n in range(20)],
    )
    bring(settings, ASSESSMENT_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM llm_calls WHERE task_id < 'm15'")
        lost = 20 - len(column(settings, "SELECT 1 FROM llm_calls"))
        first = backfill(con, settings.kafka, ASSESSMENT_STREAM)
        second = backfill(con, settings.kafka, ASSESSMENT_STREAM)

    assert (first.rows, second.rows) == (
        {"assessments": 0, "llm_calls": lost},
        {"assessments": 0, "llm_calls": 0},
    )
    assert lost > 0


def test_a_backfill_from_a_time_leaves_older_messages_alone(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, frames(0, 100))
    bring(settings, DETECTION_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM detections")
        later = datetime.now(UTC) + timedelta(hours=1)
        none = backfill(con, settings.kafka, DETECTION_STREAM, since=later)
        all_of_them = backfill(con, settings.kafka, DETECTION_STREAM, since=START)

    assert (none.messages, all_of_them.messages) == (0, 100)
