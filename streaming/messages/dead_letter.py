"""<topic>.dlq: a message as it came; the headers say why. Standard library only."""

from datetime import datetime

SUFFIX = ".dlq"
REASON_HEADERS = (
    "error",
    "source-topic",
    "source-partition",
    "source-offset",
    "stage",
    "failed-at",
)
_MAX_ERROR_CHARS = 2_000

Headers = list[tuple[str, bytes]]


def dlq_topic(name: str) -> str:
    """The dead-letter topic beside a topic."""
    return name if name.endswith(SUFFIX) else name + SUFFIX


def headers(
    *,
    error: Exception | str,
    topic: str,
    partition: int,
    offset: int,
    stage: str,
    failed_at: datetime,
) -> Headers:
    """Why, where from, and when: the headers that a dead letter carries."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    values = (text[:_MAX_ERROR_CHARS], topic, partition, offset, stage, failed_at.isoformat())
    return [(n, str(v).encode()) for n, v in zip(REASON_HEADERS, values, strict=True)]
