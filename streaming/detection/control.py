"""camera-control followed live: what is commanded now, and every change of it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.errors import BadMessage, KafkaRefused
from streaming.kafka.clients import reader
from streaming.kafka.refusals import Right, concerns_a_right, missing
from streaming.messages import CameraCommand, decode
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

Commands = Mapping[str, CameraCommand | None]

_REQUEST_S = 5.0
_POLL_S = 0.25
_AGAIN_S = 1.0
_MOST = 500
_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes are named so


class ControlFollower:
    """Reads the compacted topic from its beginning, then goes on reading.

    `changed` is called in this thread: first once the topic's end was reached (or did not
    come within 5 s), then after each change.
    """

    def __init__(self, kafka: KafkaSettings, changed: Callable[[Commands], None]) -> None:
        self._kafka = kafka
        self._changed = changed
        self._commands: dict[str, CameraCommand | None] = {}
        self.fatal: KafkaRefused | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera-control", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        self._thread.join(_REQUEST_S)

    def _run(self) -> None:
        try:
            self._follow()
        except KafkaRefused as exc:
            self.fatal = exc

    def _follow(self) -> None:
        consumer = reader(self._kafka, enable_partition_eof=True)
        topic = self._kafka.topics.camera_control.name
        try:
            unread = self._assign(consumer, topic)
            until_s = time.monotonic() + _REQUEST_S
            while not self._stop.is_set() and unread and time.monotonic() < until_s:
                self._take(consumer, unread)
            self._changed(dict(self._commands))
            while not self._stop.is_set():
                if self._take(consumer, unread):
                    self._changed(dict(self._commands))
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer, topic: str) -> set[int]:
        """Every partition from its beginning; which ones there are."""
        while not self._stop.is_set():
            try:
                found = consumer.list_topics(topic, timeout=_REQUEST_S).topics[topic]
            except KafkaException as exc:
                log.warning("camera-control cannot be read yet: %s", exc.args[0].str())
            else:
                if found.error is not None and concerns_a_right(found.error):
                    raise missing(self._kafka, Right("READ", "topic", topic))
                if found.partitions:
                    partitions = sorted(found.partitions)
                    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
                    return set(partitions)
                log.warning("no topic %s yet; `trafficmon topics init` creates it", topic)
            self._stop.wait(_AGAIN_S)
        return set()

    def _take(self, consumer: Consumer, unread: set[int]) -> bool:
        """Apply what came; whether a command changed. A partition at its end leaves `unread`."""
        changed = False
        first = consumer.consume(1, _POLL_S)
        for record in first + (consumer.consume(_MOST, 0.0) if first else []):
            error = record.error()
            if error is None:
                changed |= self._apply(record)
            elif error.code() == _PARTITION_EOF:
                unread.discard(record.partition() or 0)
            else:
                log.warning("camera-control: %s", error.str())
        return changed

    def _apply(self, record: Message) -> bool:
        key = record.key()
        if not key:
            return False
        camera_id = key.decode(errors="replace")
        try:
            value = record.value()
            command = decode(value, CameraCommand) if value else None
        except BadMessage as exc:
            where = {"partition": record.partition(), "offset": record.offset()}
            log.warning("bad camera command counts as a stop: %s", exc, extra=where)
            command = None
        if camera_id in self._commands and self._commands[camera_id] == command:
            return False
        self._commands[camera_id] = command
        return True
