"""A consumer's seat in its group, kept while Redis is away and nothing may be read."""

import logging
from collections.abc import Callable
from threading import Event

from confluent_kafka import Consumer, Message, TopicPartition
from redis.exceptions import RedisError

from streaming.kafka.flow import Flow

log = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 0.1, 5.0


class Seat:
    """Repeats effects on Redis with growing pauses; meanwhile the group's coordinator hears of us.

    Every partition is paused then, so that answering the coordinator reads no records.
    """

    def __init__(self, consumer: Consumer, stop: Event) -> None:
        self._consumer = consumer
        self._stop = stop
        self._flow = Flow(consumer)
        self._early: list[Message] = []

    def until_redis_answers(self, effect: Callable[[], None]) -> bool:
        """Repeat until it succeeds; False if told to stop first."""
        delay_s = _RETRY_FIRST_S
        while True:
            try:
                effect()
            except RedisError as exc:
                log.warning("Redis does not answer: %s", exc, extra={"retry_in_s": delay_s})
            else:
                self._flow.resume()
                return True
            self._flow.pause()
            if self._stop.wait(delay_s):
                return False
            self._answer_coordinator()
            delay_s = min(2 * delay_s, _RETRY_MAX_S)

    def take_early(self) -> list[Message]:
        """Records that came all the same, while partitions changed hands."""
        early, self._early = self._early, []
        return early

    def on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """For `subscribe`: partitions that are given to us while we wait, wait too."""
        consumer.assign(partitions)
        self._flow.assigned(partitions)

    def _answer_coordinator(self) -> None:
        record = self._consumer.poll(0)
        if record is not None:
            self._early.append(record)
