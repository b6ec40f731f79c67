"""Commands that talk to a running Kafka and Redis, as an operator types them."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from streaming.cli import trafficmon
from streaming.errors import ConfigError
from streaming.kafka import admin, dead_letters, dlq
from streaming.kafka.cameras import announced
from streaming.kafka.clients import producer, reader
from streaming.kafka.snapshot import records

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Record:
    """A consumed message that a stage could not use."""

    def __init__(self, topic, value):
        self._topic, self._value = topic, value

    def topic(self):
        return self._topic

    def partition(self):
        return 3

    def offset(self):
        return 41

    def key(self):
        return b"cam-1"

    def value(self):
        return self._value

    def headers(self):
        return [("schema-version", b"1")]


@pytest.fixture
def settings(make_settings):
    """Settings on the real servers, with topics of this test's own."""
    settings = make_settings(partitions=16, CAMERAS="synthetic://junction?seed=1")
    admin.ensure_topics(settings.kafka)
    return settings


@pytest.fixture
def trafficmon_as(settings, monkeypatch):
    """Runs the command with these settings in force."""

    def invoke(*arguments):
        for module in ("cameras", "dlq", "topics"):
            monkeypatch.setattr(f"streaming.commands.{module}.settings_of", lambda **_: settings)
        return CliRunner().invoke(trafficmon, list(arguments), catch_exceptions=False)

    return invoke


def set_aside(settings, *values):
    out = producer(settings.kafka, client_id="test")
    topic = settings.kafka.topics.assessment_tasks.name
    for value in values:
        dead_letters.send(out, Record(topic, value), stage="scheduling", error="not JSON", now=NOW)
    assert out.flush(30) == 0


def test_a_dead_letter_is_listed_shown_and_sent_back_with_its_key(settings, trafficmon_as):
    set_aside(settings, b"{broken")
    (letter,) = dlq.letters(settings.kafka)
    assert "not JSON" in trafficmon_as("dlq", "list").output
    shown = trafficmon_as("dlq", "show", letter.place).output
    assert "source-offset: 41" in shown
    assert "{broken" in shown

    assert trafficmon_as("dlq", "replay", letter.place).exit_code == 0
    (back,) = records(settings.kafka, [settings.kafka.topics.assessment_tasks.name])
    assert (back.key(), back.value()) == (b"cam-1", b"{broken")
    assert dict(back.headers()) == {"schema-version": b"1"}


def test_all_dead_letters_can_be_sent_back_at_once(settings, trafficmon_as):
    set_aside(settings, b"one", b"two", b"three")
    assert "3 of 3" in trafficmon_as("dlq", "replay", "--all").output


def test_a_camera_is_announced_and_withdrawn(settings, trafficmon_as):
    added = trafficmon_as("cameras", "add", "7", "rtsp://u:secret@10.0.0.5/s", "--name", "Quay")
    assert added.exit_code == 0
    assert announced(settings.kafka)["7"].name == "Quay"
    listed = json.loads(trafficmon_as("cameras", "list", "--format", "json").output)
    (camera,) = [row for row in listed if row["id"] == "7"]
    assert camera["name"] == "Quay"
    assert "secret" not in camera["source"]

    trafficmon_as("cameras", "remove", "7")
    assert announced(settings.kafka)["7"] is None
    listed = json.loads(trafficmon_as("cameras", "list", "--format", "json").output)
    assert not [row for row in listed if row["id"] == "7"]


def test_an_address_that_nothing_opens_is_not_announced(settings, trafficmon_as):
    for source in ("ftp://u:s3cret@host/x", "rtsp:10.0.0.5"):
        with pytest.raises(ConfigError, match="source: ") as told:
            trafficmon_as("cameras", "add", "7", source)
        assert "s3cret" not in str(told.value)
    assert announced(settings.kafka) == {}


def test_cameras_are_brought_in_step_with_the_settings(settings, trafficmon_as):
    for _ in range(2):
        trafficmon_as("cameras", "add", "extra", "synthetic://junction", "--priority", "90")
    assert announced(settings.kafka)["extra"].priority == 90
    first = trafficmon_as("cameras", "sync").output
    assert "camera 1 announced" in first
    assert "camera extra is not in the settings" in first
    found = announced(settings.kafka)
    assert {c.id for c in settings.cameras} | {"extra"} == found.keys()
    assert "camera extra stopped" in trafficmon_as("cameras", "sync", "--prune").output
    assert announced(settings.kafka)["extra"] is None
    assert trafficmon_as("cameras", "sync").output == "nothing to change\n"


def test_topics_init_creates_the_guides_topics_with_16_partitions(settings, trafficmon_as):
    assert trafficmon_as("topics", "init").exit_code == 0
    consumer = reader(settings.kafka)
    found = consumer.list_topics(timeout=10).topics
    consumer.close()
    for topic in settings.kafka.topics.all()[:4]:
        assert len(found[topic.name].partitions) == 16
