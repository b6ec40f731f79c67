"""The broker and the Redis to measure with: those that run, or own ones while the block lasts.

With those that run, nothing of theirs is touched: an unused Redis database is taken here, and
topics and groups have a prefix (`streaming.benchmark.scheduler.isolation`).
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from streaming.benchmark.scheduler import database
from streaming.embedded import endpoints, kafka, ports
from streaming.embedded import redis as embedded_redis
from streaming.errors import KafkaUnreachable, RedisUnreachable, ServiceError
from streaming.kafka.admin import wait_for_broker
from streaming.logs import mask_url
from streaming.redis_client import wait_for_redis
from streaming.settings import RedisSettings, Settings
from streaming.supervision import orphans

Say = Callable[[str], None]

_PREFIX = "trafficmon-bench-"
_LOOK_S = 2.0
_START_TIMEOUT_S = 180.0
_END_TIMEOUT_S = 20.0


@contextmanager
def own_folder(say: Say) -> Iterator[Path]:
    """A folder for logs and data; what a killed benchmark left behind is removed as well."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            orphans.end(left, drain_s=_END_TIMEOUT_S, on_progress=say)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def broker(settings: Settings, folder: Path, say: Say) -> Iterator[Settings]:
    """Settings whose Kafka answers.

    Raises:
        DownloadFailed, ServiceError: there is none, and none can be started.
    """
    address = settings.kafka.bootstrap_servers
    try:
        wait_for_broker(settings.kafka, _LOOK_S)
    except KafkaUnreachable:
        say(f"no Kafka at {address} (kafka.bootstrap_servers): one of its own, for this benchmark")
    else:
        yield settings
        return
    with own_broker(settings, folder, say) as own:
        yield own


@contextmanager
def own_broker(settings: Settings, folder: Path, say: Say) -> Iterator[Settings]:
    """Settings of a Kafka that runs for the block.

    Raises:
        DownloadFailed, ServiceError: none can be started.
    """
    _take_over_jars(settings.state_dir, folder)
    port = ports.any_free()
    own = endpoints.with_endpoints(settings, {endpoints.KAFKA: f"{ports.LOOPBACK}:{port}"})
    with _server(kafka.prepare(folder, port, say), folder, "kafka") as check:
        _patiently(lambda: wait_for_broker(own.kafka, _LOOK_S), KafkaUnreachable, check)
        yield own


@contextmanager
def memory(settings: Settings, folder: Path, say: Say) -> Iterator[Settings]:
    """Settings whose Redis answers, with a database that is nobody else's and ends up empty.

    Raises:
        ServiceError: there is none, and none can be started.
    """
    try:
        free = database.unused(settings)
    except RedisUnreachable:
        say(f"no Redis at {mask_url(settings.redis.url)} (redis.url): one of its own")
        free = None
    else:
        if free is None:
            say("Redis has no unused database: one of its own, for this benchmark")
    if free is not None:
        try:
            yield free
        finally:
            database.empty(free)
        return
    with own_memory(settings, folder) as own:
        yield own


@contextmanager
def own_memory(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Settings of a Redis that runs for the block: pub/sub knows no databases.

    Raises:
        ServiceError: none can be started.
    """
    port = ports.any_free()
    # Not the configured one's login and certificates.
    redis = RedisSettings(url=f"redis://{ports.LOOPBACK}:{port}/0")
    own = settings.model_copy(update={"redis": redis})
    with _server(embedded_redis.prepare(folder, port), folder, "redis") as check:
        _patiently(lambda: wait_for_redis(own.redis, _LOOK_S), RedisUnreachable, check)
        yield own


def _take_over_jars(state_dir: Path, folder: Path) -> None:
    """Where Kafka's jars lie is known if a broker was ever started here: nothing to fetch then."""
    (folder / "kafka").mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        shutil.copy(state_dir / "kafka" / "jars.json", folder / "kafka" / "jars.json")


@contextmanager
def _server(command: list[str], folder: Path, name: str) -> Iterator[Callable[[], None]]:
    """A server for the length of the block; what is yielded raises if it has ended."""
    log_file = folder / f"{name}.out.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, orphans.MARK: str(folder)},
        )

    def check() -> None:
        if process.poll() is not None:
            last = log_file.read_text(errors="replace").strip().splitlines()[-1:]
            raise ServiceError(f"{name} ended with exit code {process.returncode}: {last}")

    try:
        yield check
    finally:
        process.terminate()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _patiently(
    ask: Callable[[], object], unreachable: type[Exception], check: Callable[[], None]
) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        check()
        try:
            ask()
        except unreachable:
            if time.monotonic() >= deadline:
                raise
        else:
            return
