"""The provider simulator on a free port, in a thread of the test's own process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from streaming.settings import ApiKey, Settings
from streaming.simulator.provider import start
from streaming.simulator.provider_app import Latency, SimulatedKey, Simulator
from streaming.simulator.provider_faults import Faults

FAST = Latency(median_ms=5, sigma=0.1)


def sim_keys(count: int = 3, qps: float = 10, rpm: int = 300) -> tuple[SimulatedKey, ...]:
    """Keys sim-1, sim-2, …, each an account of its own."""
    return tuple(
        SimulatedKey(f"sim-{i}", f"secret-{i}", qps, rpm, f"sim-{i}") for i in range(1, count + 1)
    )


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """Where it listens, and its state, which the test may read and break."""

    url: str
    simulator: Simulator
    keys: tuple[SimulatedKey, ...]

    @property
    def base_url(self) -> str:
        return self.url + "/v1"

    def stats(self) -> dict[str, Any]:
        return self.simulator.stats(with_tasks=True)

    def break_it(self, **faults: Any) -> None:
        self.simulator.faults = Faults(**faults)

    def for_settings(self, settings: Settings) -> Settings:
        """The settings with this provider and its keys."""
        keys = tuple(
            ApiKey(id=k.id, key=SecretStr(k.secret), qps_limit=k.qps, rpm_limit=k.rpm)
            for k in self.keys
        )
        provider = settings.provider.model_copy(update={"base_url": self.base_url})
        return settings.model_copy(update={"api_keys": keys, "provider": provider})


@contextmanager
def running(
    keys: tuple[SimulatedKey, ...] | None = None, latency: Latency = FAST
) -> Iterator[RunningSimulator]:
    """A simulator that answers from the first line of the block to its last."""
    keys = sim_keys() if keys is None else keys
    simulator = Simulator(keys, latency)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(start(simulator, "127.0.0.1", 0), loop).result(10)
        port = runner.addresses[0][1]
        try:
            yield RunningSimulator(f"http://127.0.0.1:{port}", simulator, keys)
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
