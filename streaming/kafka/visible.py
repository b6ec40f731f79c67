"""Topics as the broker shows them: one that we may not see is not taken for one that is missing."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, TopicMetadata

from streaming.kafka.connection import REQUEST_TIMEOUT_S
from streaming.kafka.refusals import Right, using


def existing(client: AdminClient, names: Iterable[str]) -> dict[str, TopicMetadata]:
    """Those of the topics that exist; for `patiently`.

    Raises:
        Denied: we may not see one of them.
    """
    wanted = set(names)
    found = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    hidden = sorted(wanted - found.keys())
    if hidden:
        # Asked by name, the broker tells the two apart. This request never creates a topic.
        described = client.describe_topics(
            TopicCollection(hidden), request_timeout=REQUEST_TIMEOUT_S
        )
        for name, future in described.items():
            try:
                with using(Right("DESCRIBE", "topic", name)):
                    future.result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
    return {name: found[name] for name in wanted & found.keys()}
