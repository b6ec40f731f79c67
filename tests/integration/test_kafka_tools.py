"""`trafficmon kafka`: Kafka's own tools on the real broker, as the guide calls them."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from streaming.kafka import admin
from streaming.kafka.clients import producer
from tests.integration.secured_user import User
from tests.secured_kafka import SecuredKafka
from tests.waiting import eventually

PATIENCE_S = 120.0


@pytest.fixture
def user(secured: SecuredKafka, make_settings: Any) -> Iterator[User]:
    made = User(secured, make_settings)
    admin.ensure_topics(made.inside.kafka)
    yield made
    made.close()


def started(user: User, *words: str, **piped: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "streaming.cli", "kafka", *words],
        env=os.environ | user.process_environ(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **piped,
    )  # fmt: skip


def run(user: User, *words: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    with started(user, *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(stdin, timeout=PATIENCE_S)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def test_the_guides_commands_work_on_a_broker_that_asks_for_a_password(user):
    topics = user.settings.kafka.topics
    results, work = topics.detection_results.name, topics.assessment_tasks.name
    user.grant(
        ("READ", "topic", results), ("WRITE", "topic", results), ("READ", "group", "console-*"),
        ("ALTER", "topic", work), ("DESCRIBE", "topic", work),
    )  # fmt: skip
    sent = run(user, "console-producer", "--topic", results, stdin="hello\n")
    assert sent.returncode == 0, sent.stderr
    read = run(
        user, "console-consumer", "--topic", results, "--from-beginning", "--max-messages", "1"
    )
    assert (read.returncode, read.stdout) == (0, "hello\n"), read.stderr
    grown = run(user, "topics", "--alter", "--topic", work, "--partitions", "6")
    assert grown.returncode == 0, grown.stderr
    assert len(admin.watermarks(user.inside.kafka, [work])) == 6
    # What it may not do is told as Kafka tells it, with Kafka's exit code.
    refused = run(user, "topics", "--delete", "--topic", work)
    assert refused.returncode == 1
    assert "Authorization" in refused.stdout + refused.stderr


def test_an_operator_makes_a_user_and_grants_rights_with_them(user, secured):
    inside = ["--bootstrap-server", secured.address("INSIDE")]
    name = user.settings.kafka.topics.detection_results.name
    made = run(
        user, "acls", *inside, "--add", "--allow-principal", f"User:{user.name}",
        "--operation", "Read", "--topic", name,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert f"User:{user.name}" in run(user, "acls", *inside, "--list", "--topic", name).stdout


def test_ctrl_c_ends_the_tool_and_no_word_of_the_password_is_left_behind(user):
    topic = user.settings.kafka.topics.detection_results.name
    user.grant(("READ", "topic", topic), ("READ", "group", "console-*"))
    out = producer(user.inside.kafka, client_id="test")
    out.produce(topic, b"first")
    assert out.flush(20) == 0
    with started(user, "console-consumer", "--topic", topic, "--from-beginning") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        (java,) = eventually(lambda: psutil.Process(process.pid).children())
        words = java.cmdline()
        (file,) = [Path(word) for word in words if word.endswith(".properties")]
        assert user.password not in " ".join(words)
        assert user.password in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert not file.exists()
    assert not java.is_running()
    assert file.parent == Path(tempfile.gettempdir())
