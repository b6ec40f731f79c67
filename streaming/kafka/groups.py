"""Who is in our consumer groups: the daemons, as the broker sees them."""

from confluent_kafka.admin import AdminClient

from streaming.kafka.clients import group_id
from streaming.kafka.connection import REQUEST_TIMEOUT_S, patiently
from streaming.settings import KafkaSettings


def members(kafka: KafkaSettings) -> dict[str, int]:
    """Processes in each of our groups (without the prefix) that the broker knows; 0 if all left.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    prefix = group_id(kafka, "")

    def read(client: AdminClient) -> dict[str, int]:
        listed = client.list_consumer_groups(request_timeout=REQUEST_TIMEOUT_S).result()
        groups = [g.group_id for g in listed.valid if g.group_id.startswith(prefix)]
        if not groups:
            return {}
        described = client.describe_consumer_groups(groups, request_timeout=REQUEST_TIMEOUT_S)
        return {
            group.removeprefix(prefix): len(future.result().members)
            for group, future in described.items()
        }

    return patiently(kafka, read)
