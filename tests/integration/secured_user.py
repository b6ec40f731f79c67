"""A user of the broker that asks for passwords, and settings with which it signs in."""

from collections.abc import Callable

from streaming.kafka import admin
from streaming.settings import KafkaSecurity, Settings
from tests.secured_kafka import SecuredKafka

Acl = tuple[str, str, str]
"""Operation, kind and name, which ends with * where it is a prefix."""


class User:
    """One who signs in over TLS, with the rights that it is given; `inside` asks for nothing."""

    def __init__(
        self, secured: SecuredKafka, make_settings: Callable[..., Settings], **environ: str
    ) -> None:
        self._secured = secured
        self.name, self.password = secured.new_user()
        block = "TRAFFICMON_KAFKA__SECURITY__"
        self.environ = environ | {
            "KAFKA_BOOTSTRAP_SERVERS": secured.address("SIGNED"),
            f"{block}PROTOCOL": "SASL_SSL",
            f"{block}MECHANISM": "SCRAM-SHA-512",
            f"{block}USERNAME": self.name,
            f"{block}PASSWORD": self.password,
            f"{block}CA_FILE": str(secured.ca),
        }
        self.settings = make_settings(**self.environ)
        inside = {"bootstrap_servers": secured.address("INSIDE"), "security": KafkaSecurity()}
        kafka = self.settings.kafka.model_copy(update=inside)
        self.inside = self.settings.model_copy(update={"kafka": kafka})

    def grant(self, *rights: Acl) -> None:
        self._secured.grant(self.name, *rights)

    def revoke(self, right: Acl) -> None:
        self._secured.revoke(self.name, right)

    def process_environ(self) -> dict[str, str]:
        """Variables that give a process these settings, its own topics and groups among them."""
        kafka = self.settings.kafka
        names = {
            f"TRAFFICMON_KAFKA__TOPICS__{field.upper()}__{what}": str(value)
            for field, topic in kafka.topics
            for what, value in (("NAME", topic.name), ("PARTITIONS", topic.partitions))
        }
        group = {"TRAFFICMON_KAFKA__CONSUMER__GROUP_ID_PREFIX": kafka.consumer.group_id_prefix}
        folders = {
            "TRAFFICMON_STATE_DIR": str(self.settings.state_dir),
            "TRAFFICMON_LOGS_DIR": str(self.settings.logs_dir),
        }
        return self.environ | {"REDIS_URL": self.settings.redis.url} | names | group | folders

    def close(self) -> None:
        admin.delete_topics(self.inside.kafka, [t.name for t in self.inside.kafka.topics.all()])
