"""Pausing and resuming a consumer's partitions, those that it is given later too."""

from confluent_kafka import Consumer, TopicPartition


class Flow:
    """Whether a consumer reads its partitions now.

    A client keeps a partition's pause while the partition is with another member, and has it
    paused when it comes back: so whatever is assigned is told anew which of the two holds.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.paused = False

    def pause(self) -> None:
        """Read nothing until `resume`."""
        if not self.paused:
            self.paused = True
            self._tell(self._consumer.assignment())

    def resume(self) -> None:
        """Read on."""
        if self.paused:
            self.paused = False
            self._tell(self._consumer.assignment())

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """These have just been assigned."""
        self._tell(partitions)

    def _tell(self, partitions: list[TopicPartition]) -> None:
        if self.paused:
            self._consumer.pause(partitions)
        else:
            self._consumer.resume(partitions)
