"""What the `trafficmon` command calls."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager

from streaming.embedded import discovery, disk, endpoints, jars, kafka, ports
from streaming.errors import ServiceError
from streaming.file_lock import file_lock
from streaming.settings import Settings
from streaming.supervision import daemon, infrastructure, orphans
from streaming.supervision.control import ACTIVE, Control, ProgramStatus
from streaming.supervision.dagster_home import prepare_dagster_home
from streaming.supervision.programs import INFRASTRUCTURE, NAMES, Program, programs

_LOCK_TIMEOUT_S = 120.0
_READY_TIMEOUT_S = 90.0
_STEADY_TIMEOUT_S = 30.0
_POLL_S = 0.1

Progress = Callable[[str], None]


def up(settings: Settings, only: Iterable[str] | None, on_progress: Progress) -> Settings:
    """Start what of `only` (default: everything) is not running; return the actual addresses.

    Kafka and Redis first, until both answer and the topics are there, then the rest, until
    each has run for a second: `wait_ready` waits until they do their work. Safe to repeat.

    Raises:
        DiskFull, DownloadFailed, KafkaUnreachable, RedisUnreachable, PortInUse,
        ServiceError: something cannot be started; what was started before it runs on.
    """
    wanted = _wanted(settings, only)
    disk.require_space(settings.state_dir)
    with _alone(settings), ports.Reservations() as reserved:
        running = _active(settings)
        if not running:
            _end_orphans(settings, on_progress)
        plan = discovery.plan(
            settings,
            running=running,
            wanted=wanted,
            reserved=reserved,
            on_progress=on_progress,
        )
        settings = plan.settings
        wanted = [name for name in wanted if name not in plan.external]
        if "kafka" in wanted:
            jars.classpath(settings.state_dir, on_progress)
            if "kafka" not in running:
                kafka.configure(settings.state_dir, endpoints.kafka_port(settings), reserved)
        if "dagster" in wanted:
            prepare_dagster_home(settings, on_progress)
        control = daemon.ensure(settings, programs(settings), on_progress)
        infrastructure.start(settings, control, wanted, on_progress)
        rest = [name for name in wanted if name not in INFRASTRUCTURE]
        control.start(rest)
        _wait_steady(settings, control, rest, on_progress)
    return settings


def down(settings: Settings, on_progress: Progress) -> None:
    """Drain and stop everything `up` started, Kafka and Redis last; nothing is left running.

    Raises:
        ServiceError: something did not stop in time.
    """
    if not settings.state_dir.is_dir():
        return
    with _alone(settings):
        all_programs = programs(settings)
        control = Control(daemon.layout(settings).socket)
        if control.pid() is not None:
            active = {s.name for s in control.status() if s.state in ACTIVE}
            first = [n for n in NAMES if n in active and n not in INFRASTRUCTURE]
            last = [n for n in INFRASTRUCTURE if n in active]
            for names in (first, last):
                if names:
                    on_progress(f"Stopping {', '.join(names)}")
                    control.stop(names, _stop_timeout_s(all_programs, names))
        daemon.end(settings, all_programs, on_progress)
        endpoints.forget(settings.state_dir)


def stop(settings: Settings, names: Collection[str]) -> None:
    """Drain and stop these programs; they stay stopped until the next `up`.

    Raises:
        ServiceError: no supervisord runs, or one did not stop in time.
    """
    control = Control(daemon.layout(settings).socket)
    control.stop(names, _stop_timeout_s(programs(settings), names))


def status(settings: Settings) -> tuple[ProgramStatus, ...]:
    """Every program that was started, in starting order; empty if nothing runs.

    What a killed supervisord left behind shows as ORPHANED, by process.
    """
    control = Control(daemon.layout(settings).socket)
    if control.pid() is None:
        return tuple(
            ProgramStatus(
                name=p.name(),
                state="ORPHANED",
                pid=p.pid,
                uptime_s=max(0.0, time.time() - p.create_time()),
                description="its supervisor is gone; `trafficmon up` or `down` ends it",
            )
            for p in orphans.find(settings.state_dir)
        )
    started = [s for s in control.status() if s.description != "Not started"]
    return tuple(sorted(started, key=lambda s: NAMES.index(s.name)))


def _wanted(settings: Settings, only: Iterable[str] | None) -> list[str]:
    chosen = set(NAMES if only is None else only)
    if unknown := chosen - set(NAMES):
        raise ServiceError(f"no program {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if only is None and not settings.simulated:
        chosen.discard("simulator")
    return [name for name in NAMES if name in chosen]


def _alone(settings: Settings) -> AbstractContextManager[None]:
    return file_lock(
        settings.state_dir / "supervisor" / "lock",
        timeout_s=_LOCK_TIMEOUT_S,
        doing="starting or stopping Trafficmon",
    )


def _active(settings: Settings) -> set[str]:
    control = Control(daemon.layout(settings).socket)
    if control.pid() is None:
        return set()
    return {s.name for s in control.status() if s.state in ACTIVE}


def _end_orphans(settings: Settings, on_progress: Progress) -> None:
    if Control(daemon.layout(settings).socket).pid() is None:
        drain_s = max(p.stop_wait_s for p in programs(settings))
        orphans.end(settings.state_dir, drain_s=drain_s, on_progress=on_progress)


def _wait_steady(
    settings: Settings, control: Control, names: Sequence[str], on_progress: Progress
) -> None:
    """Return when each has run for a second; name those that have not after half a minute."""
    deadline = time.monotonic() + _STEADY_TIMEOUT_S
    while True:
        late = [s for s in control.status() if s.name in names and s.state != "RUNNING"]
        if not late:
            if names:
                on_progress(f"Started: {', '.join(names)}")
            return
        if time.monotonic() >= deadline:
            logs = ", ".join(str(settings.logs_dir / f"{s.name}.out.log") for s in late)
            raise ServiceError(f"{', '.join(s.name for s in late)} did not start; see {logs}")
        time.sleep(_POLL_S)


def _stop_timeout_s(all_programs: Sequence[Program], names: Collection[str]) -> float:
    return 15.0 + max((p.stop_wait_s for p in all_programs if p.name in names), default=0.0)
