"""The task daemon: detection-results to assessment-tasks, exactly once.

Every batch is one Kafka transaction of its tasks, its dead letters and its offsets. A batch is
what has arrived: one message when little comes, thousands under load.
"""

import gc
import logging
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streaming.errors import KafkaUnreachable
from streaming.kafka import dead_letters
from streaming.kafka.admin import wait_for_broker
from streaming.kafka.clients import consumer as new_consumer
from streaming.kafka.clients import is_fatal
from streaming.kafka.clients import producer as new_producer
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.settings import Settings
from streaming.tasks.batch import Batch, plan_batch
from streaming.tasks.plan import PlanPolicy
from streaming.tasks.transaction import Aborted, Transactions

log = logging.getLogger(__name__)

GROUP = "tasks"
_METRICS_PORT = 1
_MOST = 5_000
_POLL_S = 0.25
_QUEUE_FULL_WAIT_S = 10.0


def run(settings: Settings, instance_id: str) -> None:
    """Plan tasks until SIGTERM or SIGINT; a batch that was begun is finished first.

    Raises:
        KafkaUnreachable: no broker, or another process has this instance id.
    """
    stop = stop_on_signals()
    metrics = Metrics()
    metrics.serve(settings.serving.host, settings.serving.metrics.port + _METRICS_PORT)
    wait_for_broker(settings.kafka)
    worker = TaskWorker(settings, instance_id, metrics)
    worker.open()
    gc.freeze()
    try:
        while not stop.is_set():
            worker.step()
    finally:
        worker.close()


class TaskWorker:
    """One consumer and one transactional producer; `step` handles what has arrived."""

    def __init__(self, settings: Settings, instance_id: str, metrics: Metrics) -> None:
        kafka = settings.kafka
        self._source = kafka.topics.detection_results.name
        self._target = kafka.topics.assessment_tasks.name
        self._connect_timeout_s = kafka.connect_timeout_s
        self._metrics = metrics
        self._policy = PlanPolicy(
            task_deadline_s=settings.scheduler.task_deadline_s,
            camera_priorities={c.id: c.priority for c in settings.cameras},
        )
        transactional_id = f"{kafka.consumer.group_id_prefix}-{GROUP}-{instance_id}"
        self._producer: Producer = new_producer(
            kafka, client_id=f"{GROUP}-{instance_id}", transactional_id=transactional_id
        )
        self._consumer: Consumer = new_consumer(kafka, group=GROUP, instance_id=instance_id)
        self._transactions = Transactions(self._producer, transactional_id)
        self._given_up: set[int] = set()

    def open(self) -> None:
        """Undo what a killed predecessor left open, then join the group."""
        self._transactions.prepare(self._connect_timeout_s)
        self._consumer.subscribe([self._source], on_revoke=self._taken, on_lost=self._taken)

    def close(self) -> None:
        """Leave; as a static member this causes no rebalance before the session runs out."""
        self._consumer.close()

    def step(self) -> int:
        """One batch, if anything comes within a quarter of a second; how many messages it had."""
        records = self._arrived()
        if not records:
            return 0
        batch = plan_batch(records, self._policy, datetime.now(UTC))
        offsets = [TopicPartition(self._source, p, o) for p, o in batch.next_offsets.items()]
        try:
            self._transactions.run(lambda: self._produce(batch), offsets, self._consumer)
        except Aborted:
            self._rewind(records)
            return 0
        self._metrics.tasks.inc(len(batch.tasks))
        if batch.dead:
            counted = self._metrics.dead_letters.labels(topic=self._source, stage=GROUP)
            counted.inc(len(batch.dead))
        return len(records)

    def _arrived(self) -> list[Message]:
        """Wait for one message, then take what else is here already."""
        self._given_up.clear()
        try:
            found = self._consumer.consume(1, _POLL_S)
            if found:
                found += self._consumer.consume(_MOST - 1, 0.0)
        except KafkaException as exc:
            raise self._unreadable(exc.args[0]) from exc
        return [record for record in found if self._usable(record)]

    def _usable(self, record: Message) -> bool:
        error = record.error()
        if error is None:
            # A partition that went to another worker while this batch was gathered is its
            # business now: our offsets would be accepted, and its tasks made twice.
            return record.partition() not in self._given_up
        if is_fatal(error):
            raise self._unreadable(error)
        log.warning("%s: %s", self._source, error.str())
        return False

    def _unreadable(self, error: KafkaError) -> KafkaUnreachable:
        return KafkaUnreachable(
            f"{self._source} cannot be read: {error.str()} (kafka.bootstrap_servers; each "
            "worker needs an --instance-id of its own)"
        )

    def _taken(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._given_up.update(tp.partition for tp in partitions)

    def _produce(self, batch: Batch) -> None:
        produce, target = self._producer.produce, self._target
        for task in batch.tasks:
            try:
                produce(target, task.value, task.key, headers=task.headers)
            except BufferError:
                self._producer.flush(_QUEUE_FULL_WAIT_S)
                produce(target, task.value, task.key, headers=task.headers)
        now = datetime.now(UTC)
        for record, error in batch.dead:
            log.warning(
                "message set aside: %s",
                error,
                extra={"partition": record.partition(), "offset": record.offset()},
            )
            dead_letters.send(self._producer, record, stage=GROUP, error=error, now=now)

    def _rewind(self, records: list[Message]) -> None:
        """Read the batch again, as far as its partitions are still ours."""
        ours = {tp.partition for tp in self._consumer.assignment()}
        first: dict[int, int] = {}
        for record in records:
            partition, offset = record.partition() or 0, record.offset() or 0
            first[partition] = min(first.get(partition, offset), offset)
        try:
            for partition, offset in first.items():
                if partition in ours:
                    self._consumer.seek(TopicPartition(self._source, partition, offset))
        except KafkaException as exc:
            raise self._unreadable(exc.args[0]) from exc
