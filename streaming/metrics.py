"""Every Prometheus metric, declared once. The first five names are the guide's."""

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from streaming.errors import ConfigError
from streaming.readiness import Readiness

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_LATENCY_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5, 5.0, 10.0, 20.0, 40.0)


class Metrics:
    """The metrics of one process, on a registry of its own so that tests do not share state."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        r = self.registry
        self.detections = Counter(
            "detection", "Road users detected", ["camera_id", "class_name"], registry=r
        )
        self.llm_calls = Counter(
            "llm_calls", "Calls to the provider, by outcome", ["status"], registry=r
        )
        self.hedged_calls = Counter(
            "trafficmon_hedged_calls",
            "Overdue calls that were made again with another key",
            registry=r,
        )
        self.llm_latency_s = Histogram(
            "llm_latency_seconds",
            "Time of one call to the provider, s",
            buckets=_LATENCY_BUCKETS_S,
            registry=r,
        )
        self.kafka_lag = Gauge(
            "kafka_consumer_lag",
            "Messages that a consumer group has not committed yet",
            ["group", "topic"],
            registry=r,
        )
        self.api_key_status = Gauge(
            "api_key_status",
            "1 for the state that a key is in, 0 for the others",
            ["key_id", "status"],
            registry=r,
        )
        self.limits_shared = Gauge(
            "trafficmon_limits_shared",
            "1 while all schedulers share the limits, 0 while each keeps to a fixed part: no Redis",
            registry=r,
        )
        self.key_margin_s = Gauge(
            "trafficmon_key_margin_seconds",
            "Safety margin added to each second of the rate limit, learnt from 429s, s",
            ["key_id"],
            registry=r,
        )
        self.key_remaining = Gauge(
            "trafficmon_key_remaining_calls",
            "Calls left in the current minute, over all schedulers",
            ["key_id"],
            registry=r,
        )
        self.frames = Counter(
            "trafficmon_frames", "Frames, by outcome", ["camera_id", "outcome"], registry=r
        )
        self.inference_s = Histogram(
            "trafficmon_inference_seconds",
            "Inference time of one frame, s",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28),
            registry=r,
        )
        self.camera_online = Gauge(
            "trafficmon_camera_online",
            "1 while a camera delivers frames",
            ["camera_id"],
            registry=r,
        )
        self.camera_score = Gauge(
            "trafficmon_camera_score",
            "Reliability of a camera's connection, 0 to 1",
            ["camera_id"],
            registry=r,
        )
        self.tasks = Counter("trafficmon_tasks", "Assessment tasks created", registry=r)
        self.groups_skipped = Counter(
            "trafficmon_groups_skipped",
            "Groups that got no task, by reason",
            ["reason"],
            registry=r,
        )
        self.assessments = Counter(
            "trafficmon_assessments", "Finished tasks, by outcome", ["status"], registry=r
        )
        self.end_to_end_s = Histogram(
            "trafficmon_end_to_end_seconds",
            "Time from capture to verdict, s",
            buckets=_LATENCY_BUCKETS_S,
            registry=r,
        )
        self.dead_letters = Counter(
            "trafficmon_dead_letters",
            "Messages sent to a dead-letter topic",
            ["topic", "stage"],
            registry=r,
        )
        self.results_merged = Counter(
            "trafficmon_frames_merged",
            "Frames whose verdicts were merged",
            ["completeness"],
            registry=r,
        )
        self.ws_clients = Gauge(
            "trafficmon_websocket_clients", "Open WebSocket connections", registry=r
        )

    def serve(self, host: str, port: int, readiness: Readiness) -> int:
        """Answer Prometheus at host:port, and probes at /readyz there; return the port.

        The next free one if that one is taken.
        """
        for candidate in range(port, port + 50):
            try:
                server, _ = start_http_server(candidate, addr=host, registry=self.registry)
            except OSError as exc:
                if exc.errno in {errno.EADDRINUSE, errno.EACCES}:
                    continue
                raise ConfigError(
                    f"serving.metrics.host: cannot listen on {host}: {exc.strerror or exc}"
                ) from exc
            server.set_app(_with_readiness(server.get_app(), readiness))
            return candidate
        raise OSError(f"no free port for metrics from {port} to {port + 49}")


def _with_readiness(metrics: "WSGIApplication | None", readiness: Readiness) -> "WSGIApplication":
    def answer(request: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if metrics is not None and request["PATH_INFO"] != "/readyz":
            return metrics(request, start_response)
        missing = readiness.waits_for
        status = "503 Service Unavailable" if missing else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"waits for {', '.join(missing)}\n".encode() if missing else b"ready\n"]

    return answer
