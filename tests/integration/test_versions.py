"""The released 0.1.0 beside this version: on one group, on one Redis, on one lake, there and back."""

import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streaming.embedded import ports
from streaming.kafka.admin import ensure_topics
from streaming.kafka.clients import producer
from streaming.lake import ask
from streaming.messages import encode
from streaming.settings import Settings
from tests import builders
from tests.integration.lake.topics_to_lake import bring, frames
from tests.integration.lake.topics_to_lake import send as send_frames
from tests.integration.test_aggregation import now_frame, verdict_of
from tests.integration.test_aggregation import send as send_messages
from tests.integration.test_scheduling import PATIENCE_S, Results, patient, send
from tests.integration.test_scheduling_together import shown
from tests.needs import RELEASED
from tests.provider_simulator import RunningSimulator, running, sim_keys
from tests.systemd_units import Service, environment
from tests.waiting import eventually

pytestmark = pytest.mark.needs("history")

LATER = (True, False)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of 0.1.0, to be run by this interpreter."""
    archive = subprocess.run(
        ["git", "archive", RELEASED, "streaming"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@dataclass(frozen=True, slots=True)
class World:
    """What both versions work on."""

    settings: Settings
    provider: RunningSimulator
    environ: dict[str, str]
    released: Path
    folder: Path
    end: ExitStack

    def service(self, unit: str, *, old: bool) -> Service:
        code = self.released if old else None
        made = Service(f"{unit}.service", self.environ, self.folder, code)
        self.end.callback(made.kill)
        return made

    def run_old(self, *words: str, stdin: str = "") -> str:
        """What a command of 0.1.0 prints."""
        done = subprocess.run(
            [sys.executable, *words],
            env=os.environ | self.environ | {"PYTHONPATH": str(self.released)},
            cwd=self.released,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def world(make_settings: Any, released: Path, tmp_path: Path) -> Iterator[World]:
    with running(sim_keys(2, qps=20, rpm=3000)) as provider, ExitStack() as end:
        settings = make_settings()
        ensure_topics(settings.kafka)
        environ = environment(settings, provider, tmp_path / "config")
        yield World(settings, provider, environ, released, tmp_path, end)


def test_the_released_code_is_what_runs(world):
    place = world.run_old("-c", "import streaming; print(streaming.__file__)")

    assert Path(place.strip()).is_relative_to(world.released)


def test_schedulers_of_both_share_a_group_and_the_keys_limits_there_and_back(world):
    results = Results(world.settings)
    first = world.service("llm-scheduler-1", old=True)
    second = world.service("llm-scheduler-2", old=True)
    sent = []

    def more(count: int) -> None:
        new = [patient(f"m-{len(sent) + n}") for n in range(count)]
        sent.extend(new)
        send(world.settings, *new)

    def all_judged() -> bool:
        return results.ids() >= {t.task_id for t in sent}

    for service in (first, second):
        service.start()
    eventually(lambda: shown(world.settings)["instances"] == 2, PATIENCE_S)
    # Forth: one of each, then both new. And back: both old again.
    for unit, old in (
        ("llm-scheduler-1", False),
        ("llm-scheduler-2", False),
        ("llm-scheduler-1", True),
        ("llm-scheduler-2", True),
    ):
        more(40)
        going = first if unit.endswith("1") else second
        eventually(lambda: len(results.ids()) > len(sent) - 40, PATIENCE_S)
        going.stop()
        coming = world.service(unit, old=old)
        coming.start()
        if unit.endswith("1"):
            first = coming
        else:
            second = coming
        more(20)
        eventually(all_judged, PATIENCE_S)
        eventually(lambda: shown(world.settings)["instances"] == 2, PATIENCE_S)
        assert shown(world.settings)["limits_shared"]

    found = Counter(r.task_id for r in results.read())
    results.close()
    stats = world.provider.stats()
    assert found == Counter(t.task_id for t in sent)
    assert {r.status for r in results.all} == {"assessed"}
    assert stats["task_ids_answered_twice"] == 0
    assert stats["http_429"] == 0
    assert max(a["max_in_a_second"] for a in stats["accounts"].values()) <= 20


@pytest.mark.parametrize("back", LATER, ids=["back", "forth"])
def test_what_one_has_judged_the_other_does_not_pay_for_again(world, back):
    results = Results(world.settings)
    task = patient("once")
    for old in (not back, back):
        scheduler = world.service("llm-scheduler-1", old=old)
        scheduler.start()
        before = len(results.read())
        send(world.settings, task)
        eventually(lambda before=before: len(results.read()) > before, PATIENCE_S)
        scheduler.stop()
    results.close()

    first, again = results.all
    assert first == again
    assert world.provider.stats()["calls"] == 1


def got(environ: dict[str, str], path: str) -> Any:
    address = f"http://127.0.0.1:{environ['TRAFFICMON_SERVING__API__PORT']}{path}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


@pytest.mark.parametrize("back", LATER, ids=["back", "forth"])
def test_a_frame_that_one_has_begun_the_other_ends_and_both_show_it(world, back):
    out = producer(world.settings.kafka, client_id="test")
    world.environ["TRAFFICMON_SERVING__API__PORT"] = str(ports.any_free())
    groups = (builders.group(), builders.group(group_index=1))
    frame = now_frame("busy", "m1", groups=groups)
    state, path = {}, "/api/cameras/busy/latest"

    def reads(old: bool, shows: Any) -> Any:
        """What the API of that version says as soon as it `shows` it."""
        api = world.service("trafficmon-api", old=old)
        api.start()
        eventually(lambda: shows(got(world.environ, path) or {}), PATIENCE_S)
        state[old] = got(world.environ, path), got(world.environ, "/api/alerts")["items"]
        api.stop()

    writer, finisher = (world.service("trafficmon-aggregation", old=o) for o in (not back, back))
    writer.start()
    send_messages(out, world.settings, frame, verdict_of(frame, 1, risk_level="high"))
    reads(back, lambda latest: latest.get("verdict"))
    assert state[back][0]["verdict"]["maxRiskLevel"] == "high"
    writer.stop()
    finisher.start()
    send_messages(out, world.settings, verdict_of(frame, 0, risk_level="low"))
    for old in LATER:
        reads(old, lambda latest: (latest.get("frame") or {}).get("state") == "complete")
    finisher.stop()

    assert state[True][0]["frame"]["groups"] == state[False][0]["frame"]["groups"]
    ids = [[alert["id"] for alert in alerts] for _, alerts in state.values()]
    assert ids == [["m1:1"], ["m1:1"]]


OLD_INGESTION = """
from streaming.lake import opened
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import STREAMS
from streaming.settings import load

with opened(load()) as con:
    ensure_schema(con)
    for stream in STREAMS:
        ingest(con, load().kafka, stream)
"""


def test_each_goes_on_in_the_lake_of_the_other(world):
    from streaming.lake.streams import STREAMS

    topic = world.settings.kafka.topics.detection_results
    query = "SELECT count(*), count(DISTINCT message_id) FROM detections"

    def rows_of_old() -> list[int]:
        printed = world.run_old("-m", "streaming.cli", "sql", "--format", "json", query)
        return list(json.loads(printed)[0].values())

    send_frames(world.settings, topic, frames(0, 50))
    world.run_old("-c", OLD_INGESTION)
    assert ask(world.settings, query).rows == ((50, 50),)
    send_frames(world.settings, topic, frames(50, 80))
    bring(world.settings, *STREAMS)
    assert ask(world.settings, query).rows == ((80, 80),)
    assert rows_of_old() == [80, 80]
    send_frames(world.settings, topic, frames(80, 100))
    world.run_old("-c", OLD_INGESTION)
    assert rows_of_old() == [100, 100]
    assert ask(world.settings, query).rows == ((100, 100),)


ECHO = """
import sys
from streaming import messages

for line in sys.stdin:
    kind, _, text = line.partition(" ")
    message = messages.decode(text.encode(), getattr(messages, kind))
    sys.stdout.write(messages.encode(message).decode() + "\\n")
"""


def test_0_1_0_reads_every_message_of_this_version(world):
    now = datetime.now(UTC)
    made = [
        builders.detection_result(captured_at=now),
        builders.assessment_task(captured_at=now),
        builders.skipped_groups(captured_at=now),
        builders.risk_assessment(captured_at=now),
        builders.camera_command(),
    ]
    lines = [f"{type(m).__name__} {encode(m).decode()}" for m in made]

    echoed = world.run_old("-c", ECHO, stdin="\n".join(lines)).splitlines()

    for message, text in zip(made, echoed, strict=True):
        ours, theirs = json.loads(encode(message)), json.loads(text)
        # What this version has added it may leave out; what it knows it understands as we do.
        assert {k: v for k, v in ours.items() if k in theirs} == theirs
