"""One report: surroundings once, a fresh stage for every number of instances."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from typing import Any

from streaming.benchmark.report import Report
from streaming.benchmark.scheduler import isolation, peers, surroundings
from streaming.benchmark.scheduler.load import Load
from streaming.benchmark.scheduler.scenarios import PLAYS
from streaming.benchmark.scheduler.stage import staged
from streaming.benchmark.scheduler.surroundings import Say
from streaming.errors import ConfigError
from streaming.settings import Settings


def measure(settings: Settings, load: Load, say: Say, *, with_peers: bool = False) -> Report:
    """A result for each of `load.instances`, and for each peer.

    Raises:
        ConfigError: too few instances for the scenario.
        ServiceError: something is not there and cannot be started, or ended meanwhile.
    """
    play = PLAYS[load.scenario]
    if min(load.instances, default=1) < play.least_instances:
        raise ConfigError(
            f"--scenario {load.scenario} needs --instances of {play.least_instances} or more"
        )
    python = peers.prepare(say) if with_peers else None
    with (
        interruptible(),
        surroundings.own_folder(say) as folder,
        surroundings.broker(settings, folder, say) as with_broker,
        surroundings.memory(with_broker, folder, say) as here,
    ):
        about = _about(settings, here, load)
        # A broker of its own takes the groups along.
        groups: AbstractContextManager[list[str]] = (
            nullcontext([]) if about["own_kafka"] else isolation.own_groups(here.kafka)
        )
        with groups as used:
            results = []
            for count in load.instances:
                say(f"{count} instance{'s' if count > 1 else ''}: starting")
                own = play.adjusted(isolation.isolated(here, load))
                used.append(isolation.scheduling_group(own.kafka))
                with staged(own, load, count, folder, say) as stage:
                    results.append(play.run(stage))
            if python is not None:
                own = isolation.isolated(here, load)
                results += peers.litellm(python, own, load, folder, say)
        return Report("scheduler", about, results)


def _about(configured: Settings, here: Settings, load: Load) -> dict[str, Any]:
    """What the figures depend on, besides the machine."""
    own = isolation.isolated(here, load)
    median_ms = own.simulator.latency_median_ms
    return asdict(load) | {
        "limit_per_s": load.limit_per_s,
        "warm_up_s": load.warm_up_s,
        "measured_s": load.measured_s,
        "latency_s": load.latency_s,
        "provider_latency_median_ms": median_ms,
        "unfinished_at_full_load": load.outstanding(median_ms / 1000),
        "max_concurrent_tasks": own.scheduler.max_concurrent_tasks,
        "queue_size": own.scheduler.queue_size,
        "partitions": own.kafka.topics.assessment_tasks.partitions,
        "linger_ms": own.kafka.producer.linger_ms,
        "load_1_min_before": round(os.getloadavg()[0], 2),
        "own_kafka": configured.kafka.bootstrap_servers != here.kafka.bootstrap_servers,
    }


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM, and Ctrl-C also where a shell's background job ignores it, leave nothing running."""

    def interrupt(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {s: signal.signal(s, interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
