"""Everything that one measurement needs, started and settled: provider, schedulers, load."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streaming.benchmark.scheduler import database, isolation
from streaming.benchmark.scheduler.drive import Drive
from streaming.benchmark.scheduler.load import Load
from streaming.benchmark.scheduler.processes import Daemon, Fleet, calls_made
from streaming.benchmark.scheduler.surroundings import Say
from streaming.benchmark.scheduler.traffic import Ends, Sender
from streaming.benchmark.scheduler.truth import Truth
from streaming.embedded import ports
from streaming.errors import ServiceError
from streaming.images import ImageStore
from streaming.redis_client import connect
from streaming.scheduling import worker
from streaming.settings import Settings
from streaming.simulator import provider

_START_TIMEOUT_S = 90.0
_IMAGE_TTL_S = 86_400.0
_JPEG_START = b"\xff\xd8"
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Instance:
    """One scheduler and where it tells what it did."""

    daemon: Daemon
    metrics_port: int

    def calls_made(self) -> int:
        """By its own count."""
        return calls_made(self.metrics_port)


@dataclass(frozen=True, slots=True)
class Stage:
    """A provider, schedulers that have all partitions between them, and the load's two ends."""

    settings: Settings
    load: Load
    truth: Truth
    simulator: Daemon
    instances: tuple[Instance, ...]
    drive: Drive
    say: Say

    @property
    def outstanding(self) -> int:
        """Tasks to keep unfinished at full load."""
        median_s = self.settings.simulator.latency_median_ms / 1000
        return max(self.load.outstanding(median_s), self.drive.sender.partitions)

    @property
    def daemons(self) -> list[Daemon]:
        """The schedulers' processes."""
        return [instance.daemon for instance in self.instances]


@contextmanager
def staged(
    settings: Settings, load: Load, instances: int, folder: Path, say: Say
) -> Iterator[Stage]:
    """A stage on which one task of every partition has ended; nothing of it stays.

    `settings` are isolated already.

    Raises:
        ServiceError: something did not start.
    """
    database.begin(settings)
    image_ref = _put_image(settings, load.image_bytes)
    with isolation.own_topics(settings.kafka), Fleet(folder) as fleet:
        simulator = fleet.start("simulator", provider.run, settings)
        truth = Truth(settings.simulator.port)
        truth.wait(_START_TIMEOUT_S)
        with ports.Reservations() as reserved:
            started = tuple(_instances(fleet, settings, instances, reserved))
            _settle(settings, fleet, instances)
        sender, ends = Sender(settings.kafka, image_ref), Ends(settings.kafka)
        try:
            drive = Drive(sender, ends, [fleet.check])
            drive.one_each()
            drive.drain(_START_TIMEOUT_S)
            yield Stage(settings, load, truth, simulator, started, drive, say)
        finally:
            sender.close()
            ends.close()


def _instances(
    fleet: Fleet, settings: Settings, count: int, reserved: ports.Reservations
) -> Iterator[Instance]:
    for number in range(1, count + 1):
        port = reserved.next_free(ports.any_free())
        own = isolation.for_instance(settings, port)
        yield Instance(fleet.start(f"scheduler-{number}", worker.run, own), port)


def _settle(settings: Settings, fleet: Fleet, instances: int) -> None:
    """Return when the schedulers share all partitions as evenly as can be."""
    partitions = settings.kafka.topics.assessment_tasks.partitions
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        fleet.check()
        held = isolation.partitions_by_member(settings.kafka)
        if len(held) == instances and sum(held) == partitions and max(held) - min(held) <= 1:
            return
        if time.monotonic() >= deadline:
            raise ServiceError(
                f"{instances} schedulers do not share {partitions} partitions after "
                f"{_START_TIMEOUT_S:g} s: {held}"
            )
        time.sleep(_POLL_S)


def _put_image(settings: Settings, size: int) -> str:
    with connect(settings.redis) as client:
        image = _JPEG_START + bytes(max(0, size - len(_JPEG_START)))
        return ImageStore(client, _IMAGE_TTL_S).put(image)
