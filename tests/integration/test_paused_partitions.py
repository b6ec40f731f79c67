"""A partition that was paused, went to another member and came back is read again."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer
from redis.exceptions import ConnectionError as RedisConnectionError

from streaming.aggregation.seat import Seat
from streaming.kafka.admin import ensure_topics
from streaming.kafka.clients import consumer, member, producer
from streaming.messages import AssessmentTask, decode, encode
from streaming.metrics import Metrics
from streaming.scheduling.intake import Bounds, Intake, Job, Route
from streaming.settings import Settings
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually, eventually_async

PATIENCE_S = 60.0
PARTITIONS = 4
A_PARTITION = 10
LIMIT = 8
HEARTBEAT_MS = 100


class StubbornDesk:
    """Holds every task until `calm`, then ends each at once."""

    def __init__(self, publish: Callable[[Job, bytes], None]) -> None:
        self.held: list[Job] = []
        self.ended: set[str] = set()
        self.calm = False
        self._publish = publish

    @property
    def waiting(self) -> int:
        return len(self.held)

    def take(self, jobs: list[Job]) -> None:
        self.held += jobs
        if self.calm:
            self.end_all()

    def end_all(self) -> None:
        self.calm = True
        for job in self.held:
            self._publish(job, b"{}")
            self.ended.add(job.task.task_id)
        self.held.clear()

    async def withdraw(self, partitions: Collection[int] | None, _timeout_s: float) -> None:
        self.held = [j for j in self.held if partitions and j.partition not in partitions]


def first_member(settings: Settings, group: str, **others: str) -> Consumer:
    """As the daemons make it, but it hears at once that others come and go."""
    return consumer(
        settings.kafka, group=group, instance_id="1", heartbeat_interval_ms=HEARTBEAT_MS, **others
    )


@contextmanager
def second_member(settings: Settings, group: str, topic: str, **others: str) -> Iterator[Consumer]:
    """Another member, which leaves as soon as it is closed."""
    made = member(
        settings.kafka,
        group=group,
        instance_id="2",
        on_commit=lambda *_: None,
        heartbeat_interval_ms=HEARTBEAT_MS,
        **others,
    )
    made.subscribe([topic])
    try:
        yield made
    finally:
        made.close()


def send_tasks(settings: Settings, topic: str, name: str) -> set[str]:
    """So many on each partition; their ids."""
    out, ids = producer(settings.kafka, client_id="test"), set()
    for partition in range(PARTITIONS):
        for n in range(A_PARTITION):
            task = a_task(f"{name}-{partition}-{n}")
            ids.add(task.task_id)
            out.produce(topic, encode(task), partition=partition)
    assert out.flush(20) == 0
    return ids


def on_partitions(ids: Collection[str], partitions: Collection[int]) -> set[str]:
    return {i for i in ids if int(i.split("-")[1]) in partitions}


async def test_a_scheduler_reads_on_after_another_joined_in_overload_and_left_in_calm(
    make_settings: Any,
) -> None:
    settings: Settings = make_settings(partitions=PARTITIONS)
    ensure_topics(settings.kafka)
    topics = settings.kafka.topics
    tasks = topics.assessment_tasks.name
    intake = Intake(
        first_member(settings, "scheduling"),
        producer(settings.kafka, client_id="scheduling-1"),
        Route(tasks, topics.risk_assessment_results.name),
        Bounds(LIMIT, LIMIT, 1.0),
        Metrics(),
    )
    desk = StubbornDesk(intake.publish)
    intake.begin(desk)
    try:
        for turn in range(3):
            desk.calm = False
            sent = send_tasks(settings, tasks, f"turn{turn}")
            await eventually_async(lambda: len(desk.held) >= LIMIT, PATIENCE_S)
            with second_member(settings, "scheduling", tasks) as second:
                await eventually_async(lambda s=second: partitions_of(s), PATIENCE_S)
                kept = set(range(PARTITIONS)) - partitions_of(second)
                desk.end_all()
                own = on_partitions(sent, kept)
                await eventually_async(lambda w=own: w <= desk.ended, PATIENCE_S)
            await eventually_async(lambda w=sent: w <= desk.ended, 20)
    finally:
        intake.stop()
        await asyncio.wait_for(intake.ended.wait(), PATIENCE_S)
    assert intake.error is None


def partitions_of(member: Consumer) -> set[int]:
    """Its half, once it has it."""
    member.poll(0.05)
    mine = {place.partition for place in member.assignment()}
    return mine if len(mine) == PARTITIONS // 2 else set()


def test_an_aggregator_reads_on_after_another_joined_while_redis_was_away(
    make_settings: Any,
) -> None:
    settings: Settings = make_settings(partitions=PARTITIONS)
    ensure_topics(settings.kafka)
    topic, strategy = settings.kafka.topics.risk_assessment_results.name, "range"
    reader = first_member(settings, "g", partition_assignment_strategy=strategy)
    seat = Seat(reader, threading.Event())
    reader.subscribe([topic], on_assign=seat.on_assign)
    found: set[str] = set()

    def read() -> set[str]:
        records = [*seat.take_early(), *reader.consume(100, timeout=0.05)]
        found.update(decode(r.value() or b"", AssessmentTask).task_id for r in records)
        return found

    def has_all() -> bool:
        read()
        return len(reader.assignment()) == PARTITIONS

    try:
        eventually(has_all, PATIENCE_S)
        for turn in range(3):
            with second_member(
                settings, "g", topic, partition_assignment_strategy=strategy
            ) as second:

                def effect(other: Consumer = second) -> None:
                    if not partitions_of(other):
                        raise RedisConnectionError("away")

                assert seat.until_redis_answers(effect)
            eventually(has_all, PATIENCE_S)
            sent = send_tasks(settings, topic, f"turn{turn}")
            eventually(lambda w=sent: w <= read(), 20)
    finally:
        reader.close()
