"""A provider of vision language models for one machine: DashScope's API, limits and manners.

It counts as a strict provider does (rolling windows, by arrival), keeps its own truth at
GET /stats, and breaks on request (POST /faults).
"""

import asyncio
import gc
import logging
import threading

import uvloop
from aiohttp import web

from streaming.errors import PortInUse
from streaming.lifecycle import stop_on_signals
from streaming.settings import ApiKey, Settings, SimulatorSettings
from streaming.simulator.provider_app import Latency, SimulatedKey, Simulator
from streaming.simulator.provider_faults import Faults

log = logging.getLogger(__name__)

_STOP_LOOK_S = 0.1


def run(settings: Settings, _instance_id: str) -> None:
    """Serve until SIGTERM or SIGINT.

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
        runner.run(_serve(simulator, settings, stop))


def keys_of(keys: tuple[ApiKey, ...]) -> tuple[SimulatedKey, ...]:
    """The configured keys, with their own limits."""
    return tuple(
        SimulatedKey(k.id, k.key.get_secret_value(), k.qps_limit, k.rpm_limit, k.account or k.id)
        for k in keys
    )


def latency_of(settings: SimulatorSettings) -> Latency:
    """As the settings say."""
    return Latency(settings.latency_median_ms, settings.latency_sigma)


async def _serve(simulator: Simulator, settings: Settings, stop: threading.Event) -> None:
    host, port = settings.serving.host, settings.simulator.port
    runner = await start(simulator, host, port)
    gc.collect()
    gc.freeze()
    log.info("simulated provider", extra={"host": host, "port": port})
    while not stop.is_set():  # noqa: ASYNC110 - set by a signal
        await asyncio.sleep(_STOP_LOOK_S)
    await runner.cleanup()


async def start(simulator: Simulator, host: str, port: int) -> web.AppRunner:
    """Listen; `cleanup()` of what is returned ends it.

    Raises:
        PortInUse: something else listens there.
    """
    runner = web.AppRunner(
        simulator.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.5
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        await runner.cleanup()
        raise PortInUse(port=port, setting="simulator.port") from exc
    return runner
