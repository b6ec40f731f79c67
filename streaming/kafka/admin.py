"""Topics, offsets and lag, as the broker sees them: the names that the stages use."""

from streaming.kafka.connection import wait_for_broker
from streaming.kafka.positions import committed, first_written_ms, lag, lag_by_partition, watermarks
from streaming.kafka.topics import TopicState, delete_topics, ensure_topics

__all__ = [
    "TopicState",
    "committed",
    "delete_topics",
    "ensure_topics",
    "first_written_ms",
    "lag",
    "lag_by_partition",
    "wait_for_broker",
    "watermarks",
]
