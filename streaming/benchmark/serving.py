"""How soon a result is at every wall after it is in Kafka: real Kafka, Redis, aggregation, API.

`delivery_ms` is, of each frame, from its last verdict's acknowledgement by the broker until the
complete result is at the last client that reads. The clients have a process of their own on the
same cores, and its work is in the figure; where it is the limit, so is the figure its.
"""

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from streaming.aggregation import worker
from streaming.api import app
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler import surroundings
from streaming.benchmark.scheduler.processes import Daemon, Fleet
from streaming.benchmark.serving_clients import Audience, Heard, Listeners
from streaming.benchmark.serving_messages import GROUPS, frames, verdicts
from streaming.benchmark.task_messages import CAMERAS, INTERVAL_S
from streaming.benchmark.task_topics import own_settings
from streaming.embedded.ports import LOOPBACK, any_free
from streaming.errors import ServiceError
from streaming.images import ImageStore
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.redis_client import connect
from streaming.settings import Settings

_WARM_UP_S = 10.0
_CONNECT_S = 60.0
_SETTLE_S = 3.0
_RSS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """The measures of the issue: 200 clients, ten of them deaf; `picture_bytes` each frame."""

    clients: int = 200
    deaf: int = 10
    duration_s: float = 60.0
    picture_bytes: int = 25_000


def measure(settings: Settings, load: Load, say: Callable[[str], None]) -> Report:
    """50 cameras at 1.8 s for so long.

    Raises:
        ServiceError: a part does not start or ends, or clients cannot connect.
    """
    with (
        surroundings.own_folder(say) as folder,
        surroundings.broker(settings, folder, say) as there,
        surroundings.own_memory(there, folder) as memory,
        Fleet(folder) as fleet,
    ):
        own = _own(memory)
        admin.ensure_topics(own.kafka)
        fleet.start("aggregation", worker.run, own)
        api = fleet.start("api", app.run, own)
        url = f"http://{LOOPBACK}:{own.serving.api.port}/ws"
        listeners = Listeners(Audience(url, load.clients, load.deaf, CAMERAS))
        try:
            _wait_for(own, fleet)
            say(f"connecting {load.clients} clients …")
            if not listeners.start(_CONNECT_S):
                raise ServiceError("the clients could not all connect")
            say(f"sending for {load.duration_s:.0f} s …")
            sent, rss = _send(own, load, fleet, api)
            heard = listeners.stop(_CONNECT_S)
        finally:
            listeners.end()
    if heard is None:
        raise ServiceError("the clients did not say what they heard")
    result = _figures(sent, heard, load) | {"rss_mb": rss}
    described = {"cameras": CAMERAS, "interval_s": INTERVAL_S} | asdict(load)
    return Report("serving", described, [result])


def _own(settings: Settings) -> Settings:
    own = own_settings(settings, gate=False)
    api = own.serving.api.model_copy(update={"port": any_free()})
    serving = own.serving.model_copy(update={"host": LOOPBACK, "api": api, "token": None})
    return own.model_copy(update={"serving": serving, "cameras": ()})


def _wait_for(settings: Settings, fleet: Fleet) -> None:
    import socket

    until_s = time.monotonic() + _CONNECT_S
    while time.monotonic() < until_s:
        fleet.check()
        try:
            socket.create_connection((LOOPBACK, settings.serving.api.port), 1.0).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise ServiceError("the API does not listen")


def _send(
    settings: Settings, load: Load, fleet: Fleet, api: Daemon
) -> tuple[dict[bytes, float], dict[str, float]]:
    """When (Unix time, s) each frame's last verdict was in Kafka; the API's memory over time."""
    count = int((_WARM_UP_S + load.duration_s) / INTERVAL_S * CAMERAS)
    prefix, first_at = uuid.uuid4().hex[:16], datetime.now(UTC)
    in_kafka: dict[bytes, float] = {}
    arrived: defaultdict[bytes, int] = defaultdict(int)

    def acknowledged(message_id: bytes) -> Callable[[object, object], None]:
        def note(error: object, _record: object) -> None:
            arrived[message_id] += error is None
            if arrived[message_id] == GROUPS:
                in_kafka[message_id] = time.time()

        return note

    out = producer(settings.kafka, client_id="bench", linger_ms=1)
    topics, store = settings.kafka.topics, connect(settings.redis)
    images = ImageStore(store, 300)
    judged = verdicts(count, prefix, first_at)
    begun_s, next_rss_s, rss = time.monotonic(), 0.0, []
    every_s = INTERVAL_S / CAMERAS
    rng = random.Random(1)  # noqa: S311 - filler for pictures
    for number, (key, value) in enumerate(frames(count, prefix, first_at)):
        while (left_s := begun_s + number * every_s - time.monotonic()) > 0:
            out.poll(min(left_s, 0.005))
        ref = images.put(b"\xff\xd8" + rng.randbytes(load.picture_bytes))
        message_id = b"%s-%012d" % (prefix.encode(), number)
        out.produce(topics.detection_results.name, _with_picture(value, ref), key)
        for _ in range(GROUPS):
            camera, verdict = next(judged)
            out.produce(
                topics.risk_assessment_results.name, verdict, camera,
                on_delivery=acknowledged(message_id),
            )  # fmt: skip
        if time.monotonic() >= next_rss_s:
            next_rss_s = time.monotonic() + _RSS_EVERY_S
            fleet.check()
            rss.append(api.rss_mb())
    out.flush(_SETTLE_S)
    time.sleep(_SETTLE_S)
    store.close()
    warm = int(_WARM_UP_S / INTERVAL_S * CAMERAS)
    late = {f"{prefix}-{n:012d}".encode() for n in range(warm, count)}
    after = rss[int(_WARM_UP_S) :]
    memory = {"begin": after[0], "end": after[-1], "most": max(after)}
    return {m: at for m, at in in_kafka.items() if m in late}, memory


def _with_picture(frame: bytes, ref: str) -> bytes:
    head, _, rest = frame.partition(b'"imageRef":"')
    return head + b'"imageRef":"' + ref.encode() + rest[rest.index(b'"') :]


def _figures(sent: dict[bytes, float], heard: Heard, load: Load) -> dict[str, Any]:
    readers = load.clients - load.deaf
    whole = [m for m in sent if heard.times.get(m, 0) >= readers]
    late_ms = sorted((heard.last[m] - sent[m]) * 1000 for m in whole)
    return {
        "clients": load.clients,
        "frames": len(sent),
        "at_every_client": len(whole),
        "delivery_ms": {
            name: round(late_ms[min(len(late_ms) - 1, int(share * len(late_ms)))], 1)
            if late_ms
            else None
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "disconnected": heard.lost,
    }
