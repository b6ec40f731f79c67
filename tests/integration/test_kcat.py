"""Anybody's Kafka tools read what we write: kcat on each topic, then our own decoder."""

import subprocess

import pytest

from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.messages import AssessmentTask, DetectionResult, RiskAssessment, decode, encode
from tests import builders

pytestmark = pytest.mark.needs("kcat")

CASES = [
    ("detection_results", DetectionResult, builders.detection_result()),
    ("assessment_tasks", AssessmentTask, builders.assessment_task()),
    ("risk_assessment_results", RiskAssessment, builders.risk_assessment()),
]


@pytest.mark.parametrize(("topic", "message_type", "message"), CASES, ids=lambda c: str(c)[:20])
def test_kcat_shows_a_message_that_decodes(make_settings, topic, message_type, message):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    name = getattr(settings.kafka.topics, topic).name
    out = producer(settings.kafka, client_id="test")
    out.produce(name, key="1", value=encode(message))
    assert out.flush(30) == 0

    shown = subprocess.run(
        ["kcat", "-b", settings.kafka.bootstrap_servers, "-C", "-t", name, "-o", "beginning", "-c", "1", "-e", "-q"],
        capture_output=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    assert decode(shown.stdout.rstrip(b"\n"), message_type) == message
