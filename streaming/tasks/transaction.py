"""Kafka transactions as librdkafka wants them: what is retried, what is undone, what is fatal."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from streaming.errors import KafkaUnreachable

log = logging.getLogger(__name__)

_CALL_S = 5.0
_HUNG_S = 10.0
_GIVE_UP_S = 30.0
_AGAIN_S = 0.2
_LOOK_S = 1.0
_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - confluent-kafka names librdkafka's own codes so
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
    }
)


class Aborted(Exception):
    """The transaction was undone; its messages are to be read again."""


class Transactions:
    """One transaction after another on one producer, with the consumer's offsets inside.

    `on_hung` is called, in another thread, when a call does not return long after its timeout:
    librdkafka's send_offsets_to_transaction does that (its issues 5456 and 5511), seen here
    after a kill -9 of the broker in the midst of a transaction. Nothing in the process can end
    such a call; a new process undoes the transaction and goes on.
    """

    def __init__(
        self, producer: Producer, transactional_id: str, on_hung: Callable[[], None] | None = None
    ) -> None:
        self._producer = producer
        self._id = transactional_id
        self._on_hung = on_hung or _end_process
        self._called_at_s: float | None = None
        self._watch = threading.Thread(target=self._look, name="transactions", daemon=True)

    def prepare(self, timeout_s: float) -> None:
        """Fence a predecessor and undo what it left open. Once, before the consumer joins.

        Raises:
            KafkaUnreachable: the broker does not answer in time.
        """
        try:
            self._retried(lambda: self._producer.init_transactions(_CALL_S), timeout_s)
        except KafkaException as exc:
            raise self._fatal(exc.args[0]) from exc
        self._watch.start()

    def run(self, produce: Callable[[], Sequence[TopicPartition]], consumer: Consumer) -> None:
        """Whatever `produce` queues, and the offsets it returns, become visible together or not.

        1. begin; 2. produce; 3. offsets; 4. commit, which flushes first.

        Raises:
            Aborted: undone after an error that a new attempt may not meet.
            KafkaUnreachable: fatal; the process must start anew (fenced, or no broker).
        """
        try:
            self._producer.begin_transaction()
            offsets = produce()
            self._retried(
                lambda: self._producer.send_offsets_to_transaction(
                    list(offsets), consumer.consumer_group_metadata(), _CALL_S
                )
            )
            self._retried(lambda: self._producer.commit_transaction(_CALL_S))
        except BufferError as exc:
            self._abort("the producer's queue stayed full")
            raise Aborted from exc
        except KafkaException as exc:
            error: KafkaError = exc.args[0]
            if error.fatal() or error.code() in _FENCED or not error.txn_requires_abort():
                raise self._fatal(error) from exc
            self._abort(error.str())
            raise Aborted from exc

    def _retried(self, call: Callable[[], None], within_s: float = _GIVE_UP_S) -> None:
        """librdkafka: a retriable error leaves the call to be made again, and no other."""
        until_s = time.monotonic() + within_s
        while True:
            self._called_at_s = time.monotonic()
            try:
                call()
            except KafkaException as exc:
                error: KafkaError = exc.args[0]
                if not error.retriable() or error.fatal() or time.monotonic() >= until_s:
                    raise
                log.warning("transaction call is repeated: %s", error.str())
            else:
                return
            finally:
                self._called_at_s = None
            time.sleep(_AGAIN_S)

    def _abort(self, reason: str) -> None:
        log.warning("transaction is undone: %s", reason)
        try:
            self._retried(lambda: self._producer.abort_transaction(_CALL_S))
        except KafkaException as exc:
            raise self._fatal(exc.args[0]) from exc

    def _fatal(self, error: KafkaError) -> KafkaUnreachable:
        if error.code() in _FENCED:
            return KafkaUnreachable(
                f"another process has the transactional id {self._id}, or a transaction stood "
                "open for too long; give every worker an --instance-id of its own"
            )
        return KafkaUnreachable(
            f"transactions of {self._id} cannot go on: {error.str()} (kafka.bootstrap_servers)"
        )

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            called_at_s = self._called_at_s
            if called_at_s is not None and time.monotonic() - called_at_s > _HUNG_S:
                log.critical("a transaction of %s hangs; the process ends", self._id)
                self._on_hung()
                return


def _end_process() -> None:
    logging.shutdown()
    os._exit(KafkaUnreachable.exit_code)
