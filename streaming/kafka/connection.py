"""Asking the broker: as soon as one answers, and with patience while it starts."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streaming.errors import KafkaUnreachable
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

REQUEST_TIMEOUT_S = 10.0
POLL_S = 0.1
_METADATA_TIMEOUT_S = 2.0
_PASSING = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)


def wait_for_broker(kafka: KafkaSettings, timeout_s: float | None = None) -> str:
    """The cluster's id, as soon as a broker answers.

    Waits `kafka.connect_timeout_s` where no `timeout_s` is given.

    Raises:
        KafkaUnreachable: none answered in time.
    """
    timeout_s = kafka.connect_timeout_s if timeout_s is None else timeout_s
    client = _client(kafka)
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = max(POLL_S, deadline - time.monotonic())
        try:
            metadata = client.list_topics(timeout=min(_METADATA_TIMEOUT_S, left_s))
        except KafkaException as exc:
            if time.monotonic() >= deadline:
                raise _unreachable(kafka, timeout_s) from exc
            time.sleep(POLL_S)
        else:
            # A broker that was just restarted answers before it is let in.
            if metadata.brokers or time.monotonic() >= deadline:
                return str(metadata.cluster_id)
            time.sleep(POLL_S)


def patiently(kafka: KafkaSettings, request: Callable[[AdminClient], T]) -> T:
    """The answer; errors of a broker that is starting or moving leaders are waited out.

    Raises:
        KafkaUnreachable: no answer, or another error.
    """
    client = _client(kafka)
    deadline = time.monotonic() + REQUEST_TIMEOUT_S
    while True:
        try:
            return request(client)
        except KafkaException as exc:
            error = exc.args[0]
            if error.code() not in _PASSING or time.monotonic() >= deadline:
                raise KafkaUnreachable(
                    f"the broker at {kafka.bootstrap_servers} (kafka.bootstrap_servers) "
                    f"did not answer: {error.str()}"
                ) from exc
        time.sleep(POLL_S)


def result(futures: dict[Any, "Future[T]"]) -> T:
    """The answer to a request about one thing."""
    (future,) = futures.values()
    try:
        return future.result(timeout=REQUEST_TIMEOUT_S)
    except TimeoutError as exc:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from exc  # noqa: SLF001


def _client(kafka: KafkaSettings) -> AdminClient:
    config = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": "trafficmon-admin",
        "reconnect.backoff.max.ms": 500,
        # Failing to connect is told by the exception; librdkafka would tell it once a second.
        "log_level": 2,
        "error_cb": lambda _error: None,
    }
    return AdminClient(config, logger=log)


def _unreachable(kafka: KafkaSettings, after_s: float) -> KafkaUnreachable:
    return KafkaUnreachable(
        f"no broker at {kafka.bootstrap_servers} (kafka.bootstrap_servers) after {after_s:g} s; "
        "`trafficmon up` starts one"
    )
