"""The first two programs, which all others need."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from streaming import redis_client
from streaming.embedded import discovery, endpoints, kafka, redis
from streaming.errors import KafkaUnreachable, RedisUnreachable, ServiceError
from streaming.kafka import admin
from streaming.logs import mask_url
from streaming.settings import Settings
from streaming.supervision.control import Control
from streaming.supervision.programs import INFRASTRUCTURE

T = TypeVar("T")

# Alone on a laptop both answer in 4 s; on two cores shared with 15 busy processes Kafka took 72.
READY_TIMEOUT_S = 180.0
_SLICE_S = 2.0
_DEATHS = 3


def start(
    settings: Settings, control: Control, wanted: Sequence[str], on_progress: Callable[[str], None]
) -> None:
    """Kafka and Redis at once; return when both answer and Kafka has the topics.

    Raises:
        KafkaUnreachable, RedisUnreachable: no answer within 180 s, or dead three times.
        ServiceError: another program answers where ours was to be.
    """
    started = time.monotonic()
    ours = [name for name in wanted if name in INFRASTRUCTURE]
    control.start(ours)
    try:
        cluster_id = _patiently(
            lambda: admin.wait_for_broker(settings.kafka, _SLICE_S), "kafka", control
        )
        _patiently(lambda: redis_client.wait_for_redis(settings.redis, _SLICE_S), "redis", control)
    except (KafkaUnreachable, RedisUnreachable) as exc:
        if not ours:
            raise
        logs = ", ".join(str(settings.logs_dir / f"{name}.out.log") for name in ours)
        raise type(exc)(f"what was started here does not answer; it says why in {logs}") from exc
    if "kafka" in ours and not kafka.is_ours(cluster_id, settings.state_dir):
        raise _taken(settings.kafka.bootstrap_servers, endpoints.KAFKA)
    config_file = discovery.redis_config_file(settings, settings.redis.url) or ""
    if "redis" in ours and not redis.is_ours(config_file, settings.state_dir):
        raise _taken(settings.redis.url, endpoints.REDIS)
    admin.ensure_topics(settings.kafka)
    if ours:
        addresses = f"Kafka at {settings.kafka.bootstrap_servers}, Redis at {settings.redis.url}"
        on_progress(f"{mask_url(addresses)}: ready in {time.monotonic() - started:.1f} s")


def _patiently(ask: Callable[[], T], name: str, control: Control) -> T:
    """The answer; gives up at the deadline, or when the program has died three times."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    pids: set[int] = set()
    while True:
        try:
            return ask()
        except (KafkaUnreachable, RedisUnreachable):
            pids |= {s.pid for s in control.status() if s.name == name and s.pid}
            if time.monotonic() >= deadline or len(pids) > _DEATHS:
                raise


def _taken(address: str, setting: str) -> ServiceError:
    return ServiceError(
        f"another program took {address} ({setting}) at the same moment; `trafficmon down`, then up"
    )
