"""A provider of vision language models for one machine: DashScope's API, limits and manners.

It counts as a strict provider does (rolling windows, by arrival), keeps its own truth at
GET /stats, and breaks on request (POST /faults).
"""

import asyncio
import errno
import gc
import logging
import threading

import uvloop
from aiohttp import web

from streaming.errors import ConfigError, PortInUse
from streaming.lifecycle import stop_on_signals
from streaming.readiness import PORT, Readiness
from streaming.settings import ApiKey, Settings, SimulatorSettings
from streaming.settings.watch import SettingsWatch, watch_keys
from streaming.simulator.provider_app import Latency, SimulatedKey, Simulator
from streaming.simulator.provider_faults import Faults

log = logging.getLogger(__name__)

_STOP_LOOK_S = 0.1
_KEYS_LOOK_S = 1.0


def run(settings: Settings, instance_id: str) -> None:
    """Serve until SIGTERM or SIGINT; keys follow config/api_keys.yaml.

    Raises:
        PortInUse: `simulator.port` is taken.
    """
    stop = stop_on_signals()
    simulator = Simulator(
        keys_of(settings.api_keys),
        latency_of(settings.simulator),
        faults=Faults.from_settings(settings.simulator),
        seed=settings.simulator.seed,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        readiness = Readiness.of(settings, "simulator", instance_id, PORT)
        runner.run(_serve(simulator, settings, stop, readiness))


def _quiet_collector() -> None:
    """No pause of ours may look like a caller's haste: arrivals are counted when they are seen.

    At 1,000 calls/s with default collection 40 calls of 26,000 were refused, 0 without. Answers
    make no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def keys_of(keys: tuple[ApiKey, ...]) -> tuple[SimulatedKey, ...]:
    """The configured keys, with their own limits."""
    return tuple(
        SimulatedKey(k.id, k.key.get_secret_value(), k.qps_limit, k.rpm_limit, k.account or k.id)
        for k in keys
    )


def latency_of(settings: SimulatorSettings) -> Latency:
    """As the settings say."""
    return Latency(settings.latency_median_ms, settings.latency_sigma)


async def _serve(
    simulator: Simulator, settings: Settings, stop: threading.Event, readiness: Readiness
) -> None:
    host, port = settings.simulator.host, settings.simulator.port
    runner = await start(simulator, host, port)
    readiness.reached(PORT)
    _quiet_collector()
    log.info("simulated provider", extra={"host": host, "port": port})
    watch = watch_keys(settings, _unreadable)
    following = asyncio.create_task(_follow(watch, simulator))
    while not stop.is_set():  # noqa: ASYNC110 - set by a signal
        await asyncio.sleep(_STOP_LOOK_S)
    following.cancel()
    await runner.cleanup()


async def _follow(watch: SettingsWatch, simulator: Simulator) -> None:
    """New, changed and removed keys count from the second on in which the file is read."""
    while watch.paths:
        await asyncio.sleep(_KEYS_LOOK_S)
        changed = watch.changed()
        if changed is not None:
            simulator.books.set_keys(keys_of(changed.api_keys))
            log.info("keys changed", extra={"keys": len(changed.api_keys)})


def _unreadable(problem: ConfigError) -> None:
    log.error("the settings in force stay: %s", problem)


async def start(simulator: Simulator, host: str, port: int) -> web.ServerRunner:
    """Listen; `cleanup()` of what is returned ends it.

    Raises:
        PortInUse: something else listens there.
    """
    runner = web.ServerRunner(simulator.server(), shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        await runner.cleanup()
        if exc.errno == errno.EADDRINUSE:
            raise PortInUse(port=port, setting="simulator.port") from exc
        raise ConfigError(f"simulator.host: cannot listen on {host}: {exc.strerror}") from exc
    return runner
