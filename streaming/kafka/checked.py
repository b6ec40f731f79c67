"""librdkafka's clients, whose calls raise `KafkaRefused` once the broker refuses us.

librdkafka itself tries again for ever, and says so in the background only. The daemon ends
with one line; whoever started it starts it again, and it goes on when the cause is gone.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streaming.errors import KafkaRefused
from streaming.kafka.granted import ungranted
from streaming.kafka.refusals import (
    Right,
    concerns_a_right,
    concerns_us,
    missing,
    not_let_in,
    of_kind,
)
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

_ALL_BROKERS_DOWN = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001 - librdkafka's own codes are named so
_TOGETHER_S = 60.0
_LOG_AGAIN_S = 60.0
_MOST_TEXTS = 100


class ClientErrors:
    """The errors of one client: logged, each once a minute, and kept if they say we are refused.

    One broker of several that does not let us in is no reason to end: all of them are.
    """

    def __init__(self, kafka: KafkaSettings, *rights: Right) -> None:
        self._kafka = kafka
        self._rights = rights
        self._logged_s: dict[str, float] = {}
        self._not_let_in: tuple[KafkaError, float] | None = None
        self._shut_out: KafkaError | None = None
        self._denied: tuple[KafkaError, tuple[Right, ...]] | None = None

    def on_error(self, error: KafkaError) -> None:
        """librdkafka's `error_cb`."""
        now_s = time.monotonic()
        if concerns_us(error):
            self._not_let_in = (error, now_s)
        elif error.code() == _ALL_BROKERS_DOWN and self._not_let_in is not None:
            why, at_s = self._not_let_in
            if now_s - at_s < _TOGETHER_S:
                self._shut_out = why
        text = error.str().partition(" (after ")[0]
        if now_s >= self._logged_s.get(text, -_LOG_AGAIN_S) + _LOG_AGAIN_S:
            if len(self._logged_s) >= _MOST_TEXTS:
                self._logged_s.clear()
            self._logged_s[text] = now_s
            log.warning("kafka: %s", text, extra={"code": error.name(), "fatal": error.fatal()})

    def on_delivery(self, error: KafkaError | None, message: Message) -> None:
        """`on_delivery` of messages that have none of their own."""
        if error is not None:
            self.note(error, Right("WRITE", "topic", message.topic() or ""))

    def on_commit(self, error: KafkaError | None, _partitions: list[TopicPartition]) -> None:
        """librdkafka's `on_commit`."""
        if error is not None:
            self.note(error)

    def note(self, error: KafkaError, *rights: Right) -> None:
        """An error that a request or a record met; these rights come before the client's."""
        if self._denied is None and of_kind(error, needed := (*rights, *self._rights)):
            self._denied = (error, needed)

    def raise_if_refused(self) -> None:
        """Raise KafkaRefused if we are not let in, or a right is missing."""
        if self._denied is not None:
            (error, rights), self._denied = self._denied, None
            right = ungranted(self._kafka, error, rights)
            if right is None:
                raise KafkaRefused(f"{self._kafka.bootstrap_servers}: {error.str()}")
            raise missing(self._kafka, right)
        if self._shut_out is not None:
            error, self._shut_out = self._shut_out, None
            refused = not_let_in(self._kafka, [error])
            if refused is not None:
                raise refused


class CheckedProducer(Producer):  # type: ignore[misc]
    """A producer that raises from `poll` and `flush`, and from what transactions do."""

    def __init__(self, config: dict[str, Any], client_errors: ClientErrors, **rest: Any) -> None:
        super().__init__(config, **rest)
        self._errors = client_errors

    def poll(self, timeout: float = -1) -> int:
        return int(self._checked(super().poll, timeout))

    def flush(self, timeout: float = -1) -> int:
        return int(self._checked(super().flush, timeout))

    def undelivered(self, topic: str, error: KafkaError) -> None:
        """A message failed; for an `on_delivery` that has it from the client."""
        self._errors.note(error, Right("WRITE", "topic", topic))

    def init_transactions(self, timeout: float = -1) -> None:
        self._checked(super().init_transactions, timeout)

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: object, timeout: float = -1
    ) -> None:
        self._checked(super().send_offsets_to_transaction, positions, group_metadata, timeout)

    def commit_transaction(self, timeout: float = -1) -> None:
        self._checked(super().commit_transaction, timeout)

    def _checked(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            done = call(*args)
        except KafkaException as exc:
            self._errors.note(exc.args[0])
            self._errors.raise_if_refused()
            raise
        except SystemError as exc:
            # After a fatal error confluent-kafka still calls back, with that error set.
            if not isinstance(exc.__cause__, KafkaException):
                raise
            self._errors.note(exc.__cause__.args[0])
            self._errors.raise_if_refused()
            raise exc.__cause__ from None
        self._errors.raise_if_refused()
        return done


class CheckedConsumer(Consumer):  # type: ignore[misc]
    """A consumer that raises from `poll`, `consume` and `commit`."""

    def __init__(self, config: dict[str, Any], client_errors: ClientErrors, **rest: Any) -> None:
        super().__init__(config, **rest)
        self._errors = client_errors

    def poll(self, timeout: float = -1) -> Message | None:
        until_s = time.monotonic() + timeout
        while True:
            record = super().poll(timeout)
            if record is None:
                self._errors.raise_if_refused()
                return None
            if self._checked([record]):
                return record
            timeout = timeout if timeout < 0 else max(0.0, until_s - time.monotonic())

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        return self._checked(super().consume(num_messages, timeout))

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().commit(*args, **kwargs)
        except KafkaException as exc:
            self._errors.note(exc.args[0])
            self._errors.raise_if_refused()
            raise

    def _checked(self, records: list[Message]) -> list[Message]:
        errors = [record for record in records if record.error() is not None]
        for record in errors:
            self._errors.note(record.error(), Right("READ", "topic", record.topic() or ""))
        self._errors.raise_if_refused()
        # What is refused and was not needed: a group that nobody joins.
        idle = [record for record in errors if concerns_a_right(record.error())]
        return [record for record in records if record not in idle] if idle else records
