"""The Kafka loop: detections, verdicts, skipped groups in, each camera's newest state in Redis.

Order of a batch: 1. decode, what is no message goes to its dead-letter topic; 2. apply to
Redis; 3. note the offsets; 4. commit them, twice a second. A crash repeats what was not
committed, and repeating changes nothing.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from redis.exceptions import RedisError

from streaming.aggregation import decoded
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.frame_store import Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore
from streaming.aggregation.merge import FrameState
from streaming.aggregation.seat import Seat
from streaming.errors import BadMessage, KafkaUnreachable
from streaming.kafka import admin, clients, dead_letters
from streaming.kafka.refusals import Right
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.readiness import GROUP_SEAT, Readiness
from streaming.redis_client import connect, wait_for_redis
from streaming.settings import Settings

log = logging.getLogger(__name__)

GROUP = "aggregation"
METRICS_OFFSET = 3
_BATCH = 2_000
_IDLE_S = 0.1
_COMMIT_EVERY_S = 0.5
_GIVE_UP_EVERY_S = 0.25
_FLUSH_S = 20.0
"""Less than the producer's own 30 s, after which it would drop a dead letter."""


def run(settings: Settings, instance_id: str) -> None:
    """Aggregate until SIGTERM or SIGINT, then finish the batch, commit and return.

    Raises:
        KafkaUnreachable, RedisUnreachable: not there within `kafka.connect_timeout_s`.
    """
    stop = stop_on_signals()
    metrics = Metrics()
    serving = settings.serving
    readiness = Readiness.of(settings, GROUP, instance_id, GROUP_SEAT)
    metrics.serve(serving.metrics.host, serving.metrics.port + METRICS_OFFSET, readiness)
    admin.wait_for_broker(settings.kafka, settings.kafka.connect_timeout_s)
    wait_for_redis(settings.redis, settings.kafka.connect_timeout_s)
    aggregate(settings, instance_id, metrics, stop, on_joined=lambda: readiness.reached(GROUP_SEAT))


def aggregate(
    settings: Settings,
    instance_id: str,
    metrics: Metrics,
    stop: Event,
    on_joined: Callable[[], None] = lambda: None,
) -> None:
    """The loop itself, until `stop` is set.

    Raises:
        KafkaUnreachable: the broker refuses for good, for instance an unknown group.
    """
    redis = connect(settings.redis)
    aggregator = Aggregator(
        FrameStore(redis, settings.serving.aggregation.merge_timeout_s),
        LiveStore(redis),
        camera_names={camera.id: camera.name for camera in settings.cameras},
    )
    loop = _Loop(settings, instance_id, aggregator, metrics, stop)
    loop.on_joined = on_joined
    try:
        while not stop.is_set():
            loop.turn()
    except KafkaException as exc:
        raise KafkaUnreachable(f"aggregation stopped: {exc.args[0].str()}") from exc
    finally:
        loop.close()
        redis.close()


class _Loop:
    """Consumer, dead letters, and the offsets that are safe to commit."""

    def __init__(
        self,
        settings: Settings,
        instance_id: str,
        aggregator: Aggregator,
        metrics: Metrics,
        stop: Event,
    ) -> None:
        topics = settings.kafka.topics
        self._aggregator, self._metrics = aggregator, metrics
        self._detections = topics.detection_results.name
        self._notices = topics.skipped_groups.name
        read = (self._detections, self._notices, topics.risk_assessment_results.name)
        self._producer: Producer = clients.producer(
            settings.kafka,
            client_id=f"{GROUP}-dead",
            rights=[Right("WRITE", "topic", dead_letters.dlq_topic(name)) for name in read],
        )
        self._consumer: Consumer = clients.consumer(
            settings.kafka,
            group=GROUP,
            instance_id=instance_id,
            # All topics' partitions of one camera come to one worker, as their counts are
            # the same. And a verdict waits for nobody: fetch_min_bytes trades delay for load.
            partition_assignment_strategy="range",
            fetch_min_bytes=1,
        )
        self._processed: dict[tuple[str, int], int] = {}
        self._seat = Seat(self._consumer, stop)
        self.on_joined: Callable[[], None] = lambda: None
        self._next_commit_s = self._next_give_up_s = 0.0
        self._consumer.subscribe(
            list(read),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
        )

    def turn(self) -> None:
        """One batch: whatever is there, or a short wait."""
        first = self._consumer.poll(_IDLE_S)
        found = [first, *self._consumer.consume(_BATCH - 1, timeout=0)] if first else []
        found = self._seat.take_early() + found
        self._process([r for r in found if self._is_data(r)])
        if time.monotonic() >= self._next_give_up_s:
            self._seat.until_redis_answers(self._give_up)
            self._next_give_up_s = time.monotonic() + _GIVE_UP_EVERY_S
        if time.monotonic() >= self._next_commit_s:
            self._commit(asynchronous=True)

    def close(self) -> None:
        """Commit what was applied, and leave the partitions to this worker's next start."""
        try:
            self._commit(asynchronous=False)
        finally:
            self._consumer.close()
        self._producer.flush(_FLUSH_S)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._seat.on_assign(consumer, partitions)
        self.on_joined()

    def _is_data(self, record: Message) -> bool:
        error = record.error()
        if error is None:
            return True
        if clients.is_fatal(error):
            raise KafkaException(error)
        log.warning("kafka: %s", error.str(), extra={"topic": record.topic()})
        return False

    def _process(self, records: Sequence[Message]) -> None:
        if not records:
            return
        found = [(r, a) for r in records if (a := self._arrival(r)) is not None]
        if not self._seat.until_redis_answers(lambda: self._apply(found)):
            return  # stopping: what is not applied is read again
        if self._producer.flush(_FLUSH_S):
            raise KafkaUnreachable(f"dead letters not taken within {_FLUSH_S:.0f} s")
        for record in records:
            place = (record.topic() or "", record.partition() or 0)
            self._processed[place] = (record.offset() or 0) + 1

    def _arrival(self, record: Message) -> Arrival | None:
        raw, topic = record.value() or b"", record.topic()
        try:
            if topic == self._detections:
                return Arrival.of(decoded.detection(raw), raw)
            if topic == self._notices:
                return Arrival.of(decoded.notice(raw), raw)
            return Arrival.of(decoded.assessment(raw), raw)
        except BadMessage as exc:
            self._set_aside(record, exc)
            return None

    def _set_aside(self, record: Message, reason: Exception) -> None:
        now = datetime.now(UTC)
        dead_letters.send(self._producer, record, stage=GROUP, error=reason, now=now)
        self._metrics.dead_letters.labels(record.topic(), GROUP).inc()

    def _apply(self, found: Sequence[tuple[Message, Arrival]]) -> None:
        """The batch at once; where that fails for its content, message by message."""
        try:
            self._count(self._aggregator.apply([a for _, a in found], datetime.now(UTC)))
        except RedisError:
            raise
        except Exception as exc:
            record = found[0][0]
            place = {"topic": record.topic(), "partition": record.partition()}
            log.exception("not applied", extra=place | {"offset": record.offset()})
            if len(found) == 1:
                self._set_aside(record, exc)
                return
            for one in found:
                self._apply([one])

    def _give_up(self) -> None:
        now = datetime.now(UTC)
        self._count(self._aggregator.give_up_due(now))
        self._aggregator.close_alerts(now)

    def _count(self, states: Sequence[FrameState]) -> None:
        for state, times in Counter(states).items():
            if state != "pending":
                self._metrics.results_merged.labels(state).inc(times)

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commit(asynchronous=False)
        for partition in partitions:
            self._processed.pop((partition.topic, partition.partition), None)

    def _commit(self, *, asynchronous: bool) -> None:
        self._next_commit_s = time.monotonic() + _COMMIT_EVERY_S
        if not self._processed:
            return
        offsets = [TopicPartition(t, p, offset) for (t, p), offset in self._processed.items()]
        self._processed.clear()
        try:
            self._consumer.commit(offsets=offsets, asynchronous=asynchronous)
        except KafkaException as exc:
            # Another member has the partitions now and reads them again: nothing is lost.
            log.warning("offsets not committed: %s", exc.args[0].str())
