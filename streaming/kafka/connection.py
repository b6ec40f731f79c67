"""Asking the broker: as soon as one answers, and with patience while it starts."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streaming.errors import KafkaUnreachable
from streaming.kafka import security
from streaming.kafka.handshake import takes_connections
from streaming.kafka.refusals import Denied, concerns_us, missing, not_let_in
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

REQUEST_TIMEOUT_S = 10.0
POLL_S = 0.1
_METADATA_FIRST_S, _METADATA_TIMEOUT_S = 0.5, 2.0
"""A refusal is heard at once, and told when the request gives up."""
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
_CUT_OFF = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT})  # noqa: SLF001
"""A broker that wants TLS or a user, and gets none, closes the connection without a word."""


def wait_for_broker(kafka: KafkaSettings, timeout_s: float | None = None) -> str:
    """The cluster's id, as soon as a broker answers.

    Waits `kafka.connect_timeout_s` where no `timeout_s` is given.

    Raises:
        KafkaUnreachable: none answered in time.
        KafkaRefused: none lets us in: a password, a certificate. That is not waited out.
    """
    timeout_s = kafka.connect_timeout_s if timeout_s is None else timeout_s
    heard: list[KafkaError] = []
    client = admin_client(kafka, heard.append)
    deadline = time.monotonic() + timeout_s
    patience_s = _METADATA_FIRST_S
    while True:
        left_s = max(POLL_S, deadline - time.monotonic())
        try:
            metadata = client.list_topics(timeout=min(patience_s, left_s))
        except KafkaException as exc:
            _raise_if_refused(kafka, client, heard, exc)
            patience_s = _METADATA_TIMEOUT_S
            if time.monotonic() >= deadline:
                raise _unreachable(kafka, timeout_s) from exc
            time.sleep(POLL_S)
        else:
            # A broker that was just restarted answers before it is let in.
            if metadata.brokers or time.monotonic() >= deadline:
                return str(metadata.cluster_id)
            time.sleep(POLL_S)


def patiently(
    kafka: KafkaSettings, request: Callable[[AdminClient], T], *, also_passing: Collection[int] = ()
) -> T:
    """The answer; errors of a broker that is starting or moving leaders are waited out.

    `also_passing` are further codes to wait out.

    Raises:
        KafkaUnreachable: no answer, or another error.
        KafkaRefused: the broker does not let us in, or not do this.
    """
    heard: list[KafkaError] = []
    client = admin_client(kafka, heard.append)
    # Leaders of new topics are chosen within a second, or within half a minute on a busy machine.
    deadline = time.monotonic() + max(REQUEST_TIMEOUT_S, kafka.connect_timeout_s)
    while True:
        try:
            return request(client)
        except Denied as exc:
            raise missing(kafka, exc.right) from exc
        except KafkaException as exc:
            error = exc.args[0]
            _raise_if_refused(kafka, client, heard, exc)
            passing = error.code() in _PASSING or error.code() in also_passing
            if not passing or time.monotonic() >= deadline:
                raise KafkaUnreachable(
                    f"the broker at {kafka.bootstrap_servers} (kafka.bootstrap_servers) "
                    f"did not answer: {error.str()}"
                ) from exc
        time.sleep(POLL_S)


def _raise_if_refused(
    kafka: KafkaSettings, client: AdminClient, heard: Sequence[KafkaError], exc: KafkaException
) -> None:
    client.poll(0)  # serves what is heard
    if any(map(concerns_us, heard)) or exc.args[0].code() in _CUT_OFF:
        refused = not_let_in(kafka, heard)
        if refused is not None:
            raise refused from exc


def result(futures: dict[Any, "Future[T]"]) -> T:
    """The answer to a request about one thing."""
    (future,) = futures.values()
    try:
        return future.result(timeout=REQUEST_TIMEOUT_S)
    except TimeoutError as exc:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from exc  # noqa: SLF001


def admin_client(
    kafka: KafkaSettings, on_error: Callable[[KafkaError], None] = lambda _error: None
) -> AdminClient:
    """A client for requests; nothing here connects. `poll` serves `on_error`."""
    config = security.librdkafka(kafka) | {
        "client.id": "trafficmon-admin",
        "reconnect.backoff.max.ms": 500,
        # Failing to connect is told by the exception; librdkafka would tell it once a second.
        "log_level": 2,
        "error_cb": on_error,
    }
    return AdminClient(config, logger=log)


def _unreachable(kafka: KafkaSettings, after_s: float) -> KafkaUnreachable:
    at = f"{kafka.bootstrap_servers} (kafka.bootstrap_servers)"
    if not kafka.security.signs_in and takes_connections(kafka):
        return KafkaUnreachable(
            f"what listens at {at} answers no Kafka client after {after_s:g} s; does it ask for a "
            f"user? kafka.security.protocol is {kafka.security.protocol}"
        )
    ours = "; `trafficmon up` starts one" if kafka.security.protocol == "PLAINTEXT" else ""
    return KafkaUnreachable(f"no broker at {at} after {after_s:g} s{ours}")
