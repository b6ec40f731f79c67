"""The system that is measured: one of its own, or the one that runs."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streaming import supervision
from streaming.aggregation import worker as aggregation
from streaming.api import app as api
from streaming.benchmark.pipeline.load import Load
from streaming.benchmark.scheduler import isolation, surroundings
from streaming.benchmark.scheduler.load import Load as Keys
from streaming.benchmark.scheduler.processes import Fleet, Run
from streaming.benchmark.scheduler.surroundings import Say
from streaming.benchmark.scheduler.truth import Truth
from streaming.detection import worker as detection
from streaming.embedded import ports
from streaming.embedded.ports import LOOPBACK
from streaming.scheduling import worker as scheduling
from streaming.settings import Settings
from streaming.simulator import provider
from streaming.supervision import orphans
from streaming.tasks import worker as tasks

_START_TIMEOUT_S = 120.0
_DAEMONS: Mapping[str, Run] = {
    "scheduling": scheduling.run,
    "tasks": tasks.run,
    "aggregation": aggregation.run,
    "api": api.run,
    "detection": detection.run,
}


@dataclass(frozen=True, slots=True)
class Stack:
    """`pids` by program; `check` raises ServiceError if one ended; `prefix` of its cameras' ids.

    `truth` is the simulator's own count, None with a real provider. `shared` with other cameras.
    """

    settings: Settings
    pids: Mapping[str, int]
    check: Callable[[], None]
    truth: Truth | None
    prefix: str = ""
    shared: bool = False


@contextmanager
def stack(settings: Settings, load: Load, say: Say) -> Iterator[Stack]:
    """Everything up, without a camera; of a stack of its own nothing stays.

    Raises:
        ServiceError: something is not there and cannot be started.
    """
    if load.against_running:
        yield running(settings)
        return
    with (
        surroundings.own_folder(say) as folder,
        # Of its own even where one runs: what Kafka and Redis take is part of the figures.
        surroundings.own_broker(settings, folder, say) as there,
        surroundings.own_memory(there, folder) as here,
        ports.Reservations() as reserved,
    ):
        own = isolated(here, load, reserved)
        with isolation.own_topics(own.kafka), Fleet(folder) as fleet:
            yield _started(own, fleet, folder, load)


def isolated(settings: Settings, load: Load, reserved: ports.Reservations) -> Settings:
    """The same with topics, groups and ports of its own, and the load's keys and gate."""
    if load.provider == "simulator":
        keys = Keys(keys=load.keys, qps=load.qps, rpm=load.rpm)
        settings = isolation.isolated(settings, keys)
    else:
        prefix = f"bench-{uuid.uuid4().hex[:8]}-"
        kafka = isolation.prefixed(settings.kafka, prefix)
        settings = settings.model_copy(update={"kafka": kafka})
    gate = settings.tasks.gate.model_copy(update={"enabled": load.gate})
    serving = settings.serving
    api_port = serving.api.model_copy(update={"port": reserved.next_free(ports.any_free())})
    metrics = serving.metrics.model_copy(update={"port": reserved.next_free(ports.any_free())})
    update = {"host": LOOPBACK, "token": None, "api": api_port, "metrics": metrics}
    return settings.model_copy(
        update={
            "cameras": (),
            "tasks": settings.tasks.model_copy(update={"gate": gate}),
            "serving": serving.model_copy(update=update),
        }
    )


def allowed_per_s(settings: Settings) -> float:
    """Calls a second that all enabled keys allow; keys of one account count once."""
    accounts = {
        key.account or key.id: min(key.qps_limit, key.rpm_limit / 60)
        for key in settings.api_keys
        if key.enabled
    }
    return sum(accounts.values())


def _started(own: Settings, fleet: Fleet, folder: Path, load: Load) -> Stack:
    truth = None
    pids = _servers(folder)
    if load.provider == "simulator":
        pids["simulator"] = fleet.start("simulator", provider.run, own).pid
        truth = Truth(own.simulator.port)
        truth.wait(_START_TIMEOUT_S)
    for name, run in _DAEMONS.items():
        pids[name] = fleet.start(name, run, own).pid
    return Stack(own, pids, fleet.check, truth)


def _servers(folder: Path) -> dict[str, int]:
    """The Kafka and the Redis that were started for this benchmark."""
    found = {}
    for process in orphans.find(folder):
        words = process.cmdline()
        for name, word in (("kafka", "kafka.Kafka"), ("redis", "redis-server")):
            if any(word in part for part in words):
                found[name] = process.pid
    return found


def running(settings: Settings) -> Stack:
    """The system that these settings name, wherever it runs; processes as far as they are here."""
    states = {s.name: s for s in supervision.status(settings) if s.state == "RUNNING"}
    truth = Truth(settings.simulator.port) if "simulator" in states else None

    def check() -> None:
        """What its supervisor restarts is no reason to end: the figures show what it cost."""

    pids = {name: s.pid for name, s in states.items() if s.pid and name != "dagster"}
    prefix = f"bench-{uuid.uuid4().hex[:6]}-"
    return Stack(settings, pids, check, truth, prefix, shared=True)
