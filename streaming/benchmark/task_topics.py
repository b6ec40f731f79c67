"""Settings for a benchmark of task generation: topics, group and ports that nobody else has."""

import uuid

from streaming.embedded.ports import any_free
from streaming.settings import Settings


def own_settings(settings: Settings, *, gate: bool) -> Settings:
    """The same broker, everything else its own."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    topics = {
        field: topic.model_copy(update={"name": prefix + topic.name})
        for field, topic in settings.kafka.topics
    }
    kafka = settings.kafka.model_copy(
        update={
            "topics": settings.kafka.topics.model_copy(update=topics),
            "consumer": settings.kafka.consumer.model_copy(update={"group_id_prefix": prefix}),
        }
    )
    gated = settings.tasks.gate.model_copy(update={"enabled": gate})
    metrics = settings.serving.metrics.model_copy(update={"port": any_free()})
    return settings.model_copy(
        update={
            "kafka": kafka,
            "tasks": settings.tasks.model_copy(update={"gate": gated}),
            "serving": settings.serving.model_copy(update={"metrics": metrics}),
        }
    )
