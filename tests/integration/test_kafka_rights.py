"""Each part with exactly the rights that docs/secured-servers.md gives it, and with one less."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from streaming.aggregation.worker import aggregate
from streaming.api.vitals import Vitals
from streaming.detection.worker import watch
from streaming.errors import KafkaRefused
from streaming.kafka import admin, dlq
from streaming.kafka.cameras import announce, announced, withdraw
from streaming.kafka.clients import producer
from streaming.lake import source
from streaming.lake.plan import Span
from streaming.lake.streams import STREAMS
from streaming.messages import encode
from streaming.metrics import Metrics
from streaming.settings import Settings
from streaming.tasks.worker import TaskWorker
from tests.builders import camera_command, detection_result, group, risk_assessment
from tests.integration import flink
from tests.integration.secured_user import Acl, User
from tests.integration.test_detection import PlayedDetector
from tests.integration.test_scheduling import patient, scheduler, send
from tests.provider_simulator import running, sim_keys
from tests.secured_kafka import SecuredKafka
from tests.waiting import eventually
from trafficmon_dagster.defs.alerts.readers import broker

PAGE = Path(__file__).parents[2] / "docs" / "secured-servers.md"
PATIENCE_S = 60.0
FLINK_S = 300.0


# --- what the page says -------------------------------------------------------------------------


def rights_of(part: str, settings: Settings) -> list[Acl]:
    """The page's row of this part, by the names of these settings."""
    rows = [
        line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if " | " in line
    ]
    row = next(row for row in rows if row[0].strip("`") == part)
    found: list[Acl] = []
    for item in "; ".join(row[1:]).strip(" |;").split("; "):
        if item.startswith("as "):
            found += rights_of(item.removeprefix("as "), settings)
            continue
        operations = re.match(r"[A-Z_]+(, [A-Z_]+)*", item)
        assert operations, item
        rest = item[operations.end() :].strip()
        kind = next((k for k in ("group", "transactional-id") if rest.startswith(k)), "topic")
        for operation in operations[0].split(", "):
            found += [(operation, kind, name) for name in _names(rest, settings)]
    return list(dict.fromkeys(found))


def _names(text: str, settings: Settings) -> list[str]:
    topics = [topic.name for topic in settings.kafka.topics.all()]
    prefix = topics[0].removesuffix("detection-results")
    if text.startswith("every topic"):
        return topics
    if text.startswith("every `.dlq`"):
        return [name for name in topics if name.endswith(".dlq")]
    if text.startswith("the topics they came from"):
        return [name for name in topics if not name.endswith(".dlq")]
    ours = settings.kafka.consumer.group_id_prefix
    names = re.findall(r"`([^`]+)`", text)
    return [
        name.replace("traffic-monitor", ours)
        if name.startswith("traffic-monitor")
        else prefix + name
        for name in names
    ]


@pytest.fixture
def user(secured: SecuredKafka, make_settings: Any) -> Iterator[User]:
    camera = "synthetic://junction?seed=1&width=320&height=180"
    made = User(secured, make_settings, CAMERAS=camera, TRAFFICMON_DETECTION__INTERVAL_S="0.2")
    yield made
    made.close()


# --- what each part does ---------------------------------------------------------------------------


def put(settings: Settings, topic: str, *values: bytes) -> None:
    out = producer(settings.kafka, client_id="test")
    for value in values:
        out.produce(topic, value, "1")
    assert out.flush(20) == 0


def written(user: User, topic: str) -> int:
    """Offsets of the topic that are taken, transaction markers among them."""
    return sum(high for _, high in admin.watermarks(user.inside.kafka, [topic]).values())


def in_a_thread(run: Callable[[threading.Event], None], done: Callable[[], object]) -> None:
    """Until `done`; raises what ended `run` before."""
    stop, ended = threading.Event(), []

    def target() -> None:
        try:
            run(stop)
        except Exception as exc:  # noqa: BLE001 - raised below
            ended.append(exc)

    thread = threading.Thread(target=target)
    thread.start()
    try:
        eventually(lambda: ended or done(), PATIENCE_S)
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    if ended:
        raise ended[0]


def detection(user: User) -> None:
    topic = user.settings.kafka.topics.detection_results.name
    run = lambda stop: watch(  # noqa: E731
        user.settings, "1", load_model=PlayedDetector, metrics=Metrics(), stop=stop
    )
    in_a_thread(run, lambda: written(user, topic))


def tasks(user: User) -> None:
    topics = user.inside.kafka.topics
    frame = detection_result(groups=(group(), group(group_index=1)))
    put(user.inside, topics.detection_results.name, encode(frame), b"no detection")
    worker = TaskWorker(user.settings, "1", Metrics())
    try:
        worker.open()
        eventually(
            lambda: worker.step() >= 0 and written(user, f"{topics.detection_results.name}.dlq"),
            PATIENCE_S,
        )
    finally:
        worker.close()
    assert written(user, topics.assessment_tasks.name) >= 2


def scheduling(user: User) -> None:
    topic = user.inside.kafka.topics.risk_assessment_results.name
    with running(sim_keys(1, qps=50, rpm=3000)) as simulator:
        send(user.inside, patient("one"))
        put(user.inside, user.inside.kafka.topics.assessment_tasks.name, b"no task")
        with scheduler(simulator.for_settings(user.settings)) as process:
            dead = f"{user.inside.kafka.topics.assessment_tasks.name}.dlq"
            eventually(
                lambda: (
                    process.exitcode is not None or (written(user, topic) and written(user, dead))
                ),
                PATIENCE_S,
            )
            assert process.exitcode is None


def aggregation(user: User) -> None:
    topics = user.inside.kafka.topics
    read = (
        topics.detection_results.name,
        topics.skipped_groups.name,
        topics.risk_assessment_results.name,
    )
    for topic in read:
        put(user.inside, topic, b"no message")
    put(user.inside, topics.detection_results.name, encode(detection_result()))
    put(user.inside, topics.risk_assessment_results.name, encode(risk_assessment()))

    def done() -> bool:
        committed = admin.committed(user.inside.kafka, "aggregation", read)
        return sum(committed.values()) == sum(written(user, t) for t in read) and all(
            written(user, f"{t}.dlq") for t in read
        )

    in_a_thread(lambda stop: aggregate(user.settings, "1", Metrics(), stop), done)


def api(user: User) -> None:
    kafka = user.settings.kafka
    announce(kafka, camera_command(camera_id="7"))
    assert announced(kafka)["7"] is not None
    withdraw(kafka, "7")
    vitals = Vitals(user.settings, redis.asyncio.Redis.from_url(user.settings.redis.url))
    asyncio.run(vitals.look_at_kafka())
    assert vitals._kafka.state == "ok", vitals._kafka.detail


def dagster(user: User) -> None:
    kafka = user.settings.kafka
    put(user.inside, kafka.topics.detection_results.name, encode(detection_result()))
    for stream in STREAMS:
        name = stream.topic(kafka)
        ends = source.topic_ends(kafka, [name])[name]
        spans = [Span(p, low, high) for p, (low, high) in ends.ends.items() if high > low]
        taken = sum(b.messages for b in source.batches(kafka, stream, name, spans)) if spans else 0
        assert taken == written(user, name)
    assert "dead_letters" in {r.metric for r in broker.read(user.settings, {}).readings}
    assert not any(state.changes or state.created for state in admin.ensure_topics(kafka))


def topics_init(user: User) -> None:
    assert len(admin.ensure_topics(user.settings.kafka)) == 10


def dead_letters(user: User) -> None:
    topic = user.inside.kafka.topics.assessment_tasks.name
    out = producer(user.inside.kafka, client_id="test")
    out.produce(f"{topic}.dlq", b"x", headers=[("source-topic", topic.encode())])
    assert out.flush(20) == 0
    found = [*dlq.letters(user.settings.kafka)]
    assert dlq.replay(user.settings.kafka, found) == len(found) >= 1


def on_flink(user: User) -> None:
    topics = user.inside.kafka.topics
    put(user.inside, topics.detection_results.name, encode(detection_result(groups=(group(),))))
    with flink.running(user.settings):
        eventually(lambda: written(user, topics.assessment_tasks.name), FLINK_S)


PARTS: dict[str, Callable[[User], None]] = {
    "detection": detection,
    "tasks": tasks,
    "scheduling": scheduling,
    "aggregation": aggregation,
    "api": api,
    "dagster": dagster,
    "trafficmon topics init": topics_init,
    "trafficmon dlq": dead_letters,
    "tasks on Flink": on_flink,
}


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, marks=pytest.mark.needs("flink") if part.endswith("Flink") else ())
        for part in PARTS
    ],
)
def test_the_rights_that_the_page_gives_suffice(user, part):
    if part != "trafficmon topics init":
        admin.ensure_topics(user.inside.kafka)
    user.grant(*rights_of(part, user.settings))
    PARTS[part](user)


@pytest.mark.parametrize(
    ("part", "operation", "kind", "name"),
    [
        ("detection", "WRITE", "topic", "detection-results"),
        ("detection", "READ", "group", "-detection"),
        ("tasks", "READ", "topic", "detection-results"),
        ("tasks", "WRITE", "topic", "assessment-tasks"),
        ("tasks", "WRITE", "transactional-id", "-tasks-*"),
        ("aggregation", "WRITE", "topic", "risk-assessment-results.dlq"),
        ("api", "WRITE", "topic", "camera-control"),
        ("dagster", "READ", "topic", "detection-results"),
        ("trafficmon topics init", "CREATE", "topic", "skipped-groups"),
        ("trafficmon dlq", "WRITE", "topic", "assessment-tasks"),
    ],
)
def test_a_missing_right_is_named_and_once_granted_the_work_goes_on(
    user, part, operation, kind, name
):
    if part != "trafficmon topics init":
        admin.ensure_topics(user.inside.kafka)
    given = rights_of(part, user.settings)
    missing = next(r for r in given if r[:2] == (operation, kind) and r[2].endswith(name))
    user.grant(*(right for right in given if right != missing))
    with pytest.raises(KafkaRefused) as raised:
        PARTS[part](user)
    text = str(raised.value)
    assert text.startswith(f"user {user.name} may not ")
    assert missing[2].rstrip("*") in text
    assert f"{operation} {kind.replace('-', ' ')}" in text or operation == "CREATE"
    assert "\n" not in text
    user.grant(missing)
    PARTS[part](user)


def test_a_group_whose_offsets_may_not_be_seen_is_named(user):
    admin.ensure_topics(user.inside.kafka)
    topic = user.settings.kafka.topics.detection_results.name
    user.grant(("DESCRIBE", "topic", topic))
    with pytest.raises(KafkaRefused, match=rf"^user {user.name} may not DESCRIBE group \S+-tasks "):
        admin.committed(user.settings.kafka, "tasks", [topic])


def cli(user: User, *words: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "streaming.cli", *words],
        env=os.environ | user.process_environ() | environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_scheduler_that_may_not_write_ends_in_one_line_and_bills_nothing_twice(user):
    admin.ensure_topics(user.inside.kafka)
    topics = user.inside.kafka.topics
    missing = ("WRITE", "topic", topics.risk_assessment_results.name)
    user.grant(*(right for right in rights_of("scheduling", user.settings) if right != missing))
    send(user.inside, patient("one"))
    with running(sim_keys(1, qps=50, rpm=3000)) as simulator:
        url = {"TRAFFICMON_PROVIDER_BASE_URL": simulator.base_url, "DASHSCOPE_API_KEY": "secret-1"}
        with cli(user, "run", "scheduling", **url) as process:
            _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == KafkaRefused.exit_code
        told = [line for line in err.splitlines() if not line.startswith("{")]
        assert len(told) == 1, err
        assert told[0].startswith(
            f"KafkaRefused: user {user.name} may not WRITE topic {missing[2]} "
            "(kafka.security.username); an operator grants it with `trafficmon kafka acls --add"
        )
        assert "Traceback" not in err
        assert user.password not in err
        assert not admin.committed(user.inside.kafka, "scheduling", [topics.assessment_tasks.name])
        user.grant(missing)
        with cli(user, "run", "scheduling", **url) as process:
            try:
                eventually(lambda: written(user, missing[2]), PATIENCE_S)
            finally:
                process.terminate()
                process.communicate(timeout=PATIENCE_S)
        assert simulator.stats()["tasks"] == {"one:0": 1}


def test_a_worker_that_loses_a_right_while_it_runs_ends_and_says_which(user):
    admin.ensure_topics(user.inside.kafka)
    user.grant(*rights_of("tasks", user.settings))
    tasks(user)
    right = ("READ", "topic", user.settings.kafka.topics.detection_results.name)
    worker = TaskWorker(user.settings, "1", Metrics())
    try:
        worker.open()
        worker.step()
        user.revoke(right)
        with pytest.raises(KafkaRefused, match=f"may not READ topic {right[2]}"):
            eventually(lambda: worker.step() < 0, PATIENCE_S)
    finally:
        worker.close()
