"""Analysed frames to Redis (images) and Kafka (messages), on a thread of their own."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from confluent_kafka import KafkaError, KafkaException, Message
from redis.exceptions import RedisError

from streaming.detection.analysed import (
    AnalysedFrame,
    Draft,
    ResultRules,
    camera_of,
    drafted,
    result,
)
from streaming.detection.fair_queue import FairQueue
from streaming.detection.lease import Hold
from streaming.detection.message_ids import RANDOM_BYTES, uuid7
from streaming.detection.scenes import Scenes
from streaming.errors import KafkaRefused, KafkaUnreachable
from streaming.images import ImageStore
from streaming.kafka.checked import CheckedProducer
from streaming.logs import mask_url
from streaming.messages import HEADERS, encode
from streaming.metrics import Metrics
from streaming.tracing import HEADER, new_traceparent

log = logging.getLogger(__name__)

_TAKE_S = 0.2
_TOGETHER = 8
_DOUBT_S = 0.05
_WITHOUT_REDIS_S = 2.0


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where results go: `topic` by `producer`, images to `images`."""

    producer: CheckedProducer
    topic: str
    images: ImageStore
    metrics: Metrics
    worker_id: str
    hold: Callable[[str, int], Hold]
    """By camera and term, see `lease`: whether a frame may go out."""


class Publisher:
    """Takes analysed frames without ever making the model wait.

    At most `waiting` messages are with librdkafka and as many frames before it; what comes
    on top pushes out the oldest of the camera that has most, counted as dropped. While Redis
    is away, messages go out without images: the verdict then rests on the geometry alone.
    A frame of a camera that another worker may have by now waits until that is known.
    """

    def __init__(self, outlets: Outlets, rules: ResultRules, *, waiting: int) -> None:
        self._out = outlets
        self._rules = rules
        self._most_in_flight = waiting
        self._queue: FairQueue[AnalysedFrame] = FairQueue(
            camera_of, per_camera=waiting, total=waiting
        )
        self._scenes = Scenes()
        self._worker = outlets.worker_id.encode()
        self._redis_again_s = 0.0
        self.fatal: KafkaUnreachable | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._stop = threading.Event()
        self._over = False

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def offer(self, analysed: AnalysedFrame) -> None:
        """Hand a frame over; never waits."""
        for dropped in self._queue.offer(analysed):
            self._count(dropped.frame.camera_id, "dropped")

    def stop(self, within_s: float) -> None:
        """Send what is queued, as far as the time goes; the rest counts as dropped or failed."""
        until_s = time.monotonic() + within_s
        self._stop.set()
        self._queue.close()
        self._thread.join(within_s)
        self._over = True
        self._thread.join(_TAKE_S * 5)
        with suppress(KafkaRefused):  # told by `fatal`, or of no more use
            self._out.producer.flush(max(0.1, until_s - time.monotonic()))
        self._out.producer.purge()
        with suppress(KafkaRefused):
            self._out.producer.poll(0)
        for left in self._queue.take(self._most_in_flight, timeout_s=0):
            self._count(left.frame.camera_id, "dropped")

    def _run(self) -> None:
        try:
            self._publish_all()
        except KafkaRefused as exc:
            self.fatal = exc

    def _publish_all(self) -> None:
        while self.fatal is None and not self._over:
            self._out.producer.poll(0)
            room = self._most_in_flight - len(self._out.producer)
            if room <= 0:
                self._out.producer.poll(_TAKE_S)
                continue
            taken = self._queue.take(min(room, _TOGETHER), timeout_s=_TAKE_S)
            if not taken and self._stop.is_set():
                return
            self._publish(taken)

    def _publish(self, taken: Sequence[AnalysedFrame]) -> None:
        """With one round trip to Redis for the pictures of all."""
        drafts: list[Draft] = []
        for analysed in taken:
            with self._one(analysed.frame.camera_id):
                if self._is_ours(analysed):
                    drafts.append(drafted(self._scenes.look(analysed), self._rules))
                else:
                    self._count(analysed.frame.camera_id, "dropped")
        refs = iter(self._keep([jpeg for draft in drafts for jpeg in draft.pictures]))
        for draft in drafts:
            own = list(islice(refs, len(draft.pictures)))
            with self._one(draft.analysed.frame.camera_id):
                self._send(draft, own)

    @contextmanager
    def _one(self, camera_id: str) -> Iterator[None]:
        """One frame must not end the way out for all."""
        try:
            yield
        except (BufferError, KafkaException) as exc:
            self._failed(camera_id, exc)
        except Exception as exc:
            log.exception("a frame could not be made a message")
            self._failed(camera_id, exc)

    def _is_ours(self, analysed: AnalysedFrame) -> bool:
        """Waits while that is in doubt; what is to be stopped is not waited for."""
        frame = analysed.frame
        while (hold := self._out.hold(frame.camera_id, frame.term)) == "doubtful":
            if self._stop.wait(_DOUBT_S):
                return False
        return hold == "ours"

    def _keep(self, jpegs: Sequence[bytes]) -> Sequence[str | None]:
        nothing = [None] * len(jpegs)
        if not jpegs or time.monotonic() < self._redis_again_s:
            return nothing
        try:
            return self._out.images.put_all(jpegs)
        except RedisError as exc:
            self._redis_again_s = time.monotonic() + _WITHOUT_REDIS_S
            log.warning("images are not kept: %s", mask_url(str(exc)))
            return nothing

    def _send(self, draft: Draft, refs: Sequence[str | None]) -> None:
        camera_id = draft.analysed.frame.camera_id
        now = datetime.now(UTC)
        message = result(draft, refs, message_id=uuid7(now, os.urandom(RANDOM_BYTES)), now=now)
        if not self._is_ours(draft.analysed):  # pictures take their time
            self._count(camera_id, "dropped")
            return
        self._out.producer.produce(
            self._out.topic,
            key=camera_id,
            value=encode(message),
            headers=[*HEADERS, (HEADER, new_traceparent()), ("worker", self._worker)],
            on_delivery=self._on_delivery(camera_id),
        )

    def _on_delivery(self, camera_id: str) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                self._count(camera_id, "published")
            else:
                self._failed(camera_id, KafkaException(error))
                self._out.producer.undelivered(self._out.topic, error)

        return delivered

    def _failed(self, camera_id: str, exc: Exception) -> None:
        self._count(camera_id, "failed")
        log.warning("a frame was not published: %s", exc, extra={"camera_id": camera_id})
        error = exc.args[0] if isinstance(exc, KafkaException) else None
        if isinstance(error, KafkaError) and error.fatal():
            self.fatal = KafkaUnreachable(f"Kafka's client gave up: {error.str()}")

    def _count(self, camera_id: str, outcome: str) -> None:
        self._out.metrics.frames.labels(camera_id=camera_id, outcome=outcome).inc()
