"""Which of several rights the broker does not grant, where its error leaves that open."""

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation

from streaming.kafka.connection import REQUEST_TIMEOUT_S, admin_client
from streaming.kafka.refusals import Right, of_kind
from streaming.settings import KafkaSettings


def ungranted(kafka: KafkaSettings, error: KafkaError, rights: Sequence[Right]) -> Right | None:
    """The right among these that the error is about, if one is.

    A transaction's error names no topic: of those that come into question, the broker is asked.
    """
    candidates = [
        right for right in of_kind(error, rights) if right.name or right.kind == "cluster"
    ]
    if candidates and candidates[0].operation == "IDEMPOTENT_WRITE":
        # Who may write to any topic has it; so it is that we may write to none.
        candidates = [
            r for r in rights if r.kind == "topic" and r.operation == "WRITE"
        ] or candidates
    if len(candidates) > 1 and candidates[0].kind == "topic":
        return next((r for r in candidates if not _is_granted(kafka, r)), candidates[0])
    return candidates[0] if candidates else None


def _is_granted(kafka: KafkaSettings, right: Right) -> bool:
    futures = admin_client(kafka).describe_topics(
        TopicCollection([right.name]),
        include_authorized_operations=True,
        request_timeout=REQUEST_TIMEOUT_S,
    )
    try:
        described = futures[right.name].result(REQUEST_TIMEOUT_S)
    except (KafkaException, TimeoutError):
        return False
    return AclOperation[right.operation] in (described.authorized_operations or ())
