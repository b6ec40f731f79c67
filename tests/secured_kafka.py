"""A real broker that asks for passwords and certificates and grants rights one by one."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streaming.embedded import kafka, ports
from tests.certificates import Authority, Certificate
from tests.waiting import eventually

T = TypeVar("T")
OPERATOR = ("operator", "operator-secret")
"""May do everything."""
_LISTENERS = {
    "INSIDE": "PLAINTEXT",
    "SIGNED": "SASL_SSL",
    "MUTUAL": "SSL",
    "CLEAR": "SASL_PLAINTEXT",
    "EXPIRED": "SASL_SSL",
    "ELSEWHERE": "SASL_SSL",
}
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """Its listeners by name: INSIDE lets everybody do everything; SIGNED asks for a password
    over TLS, CLEAR without it, MUTUAL for a certificate; EXPIRED and ELSEWHERE are as SIGNED with
    a certificate that has expired, or is another host's.
    """

    ports: Mapping[str, int]
    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "Test-CA.pem"

    @property
    def strangers_ca(self) -> Path:
        return self.folder / "Another-CA.pem"

    def certificate(self, name: str) -> Certificate:
        """client, or expired-client."""
        return Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def address(self, listener: str) -> str:
        return f"{ports.LOOPBACK}:{self.ports[listener]}"

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address("INSIDE"), "log_level": 0})

    def new_user(self) -> tuple[str, str]:
        """Name and password of a SCRAM-SHA-512 user without any right."""
        name, password = f"u{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
        self.set_password(name, password)
        return name, password

    def set_password(self, user: str, password: str) -> None:
        admin = self.admin()
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            kind = ScramCredentialInfo(mechanism, 4096)
            made = UserScramCredentialUpsertion(user, kind, password.encode())
            for future in admin.alter_user_scram_credentials([made]).values():
                future.result(20)
        eventually(lambda: _known(admin, user))

    def grant(self, user: str, *rights: tuple[str, str, str]) -> None:
        """Operation (READ, WRITE, …), kind (topic, group, transactional-id) and name of each.

        A name that ends with * is a prefix.
        """
        admin = self.admin()
        for future in admin.create_acls([_acl(AclBinding, user, *r) for r in rights]).values():
            future.result(20)
        # The controller has them now; the broker soon.
        eventually(lambda: all(self._has(admin, user, right) for right in rights))

    def revoke(self, user: str, right: tuple[str, str, str]) -> None:
        admin = self.admin()
        for future in admin.delete_acls([_acl(AclBindingFilter, user, *right)]).values():
            future.result(20)
        eventually(lambda: not self._has(admin, user, right))

    def _has(self, admin: AdminClient, user: str, right: tuple[str, str, str]) -> bool:
        return bool(admin.describe_acls(_acl(AclBindingFilter, user, *right)).result(20))


def _known(admin: AdminClient, user: str) -> bool:
    try:
        admin.describe_user_scram_credentials([user])[user].result(20)
    except KafkaException:
        return False
    return True


def _acl(made: type[T], user: str, operation: str, kind: str, name: str) -> T:
    return made(
        ResourceType[kind.upper().replace("-", "_")],
        name.removesuffix("*"),
        ResourcePatternType.PREFIXED if name.endswith("*") else ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


def prepared(home: Path) -> tuple[list[str], dict[str, object]]:
    """The command that is the broker, and what `SecuredKafka` is made of."""
    folder = home / "certificates"
    ours, _strangers = Authority(folder), Authority(folder, "Another CA")
    here = (ports.LOOPBACK, "localhost")
    server = ours.sign("server", *here)
    certificates = {
        "SIGNED": server,
        "MUTUAL": server,
        "EXPIRED": ours.sign("expired", *here, lasts=-timedelta(days=1)),
        "ELSEWHERE": ours.sign("elsewhere", "kafka.elsewhere.example"),
    }
    ours.sign("client")
    ours.sign("expired-client", lasts=-timedelta(days=1))
    with ports.Reservations() as reserved:
        numbers = {name: reserved.next_free(ports.any_free()) for name in _LISTENERS}
    java, *words = kafka.prepare(home, numbers["INSIDE"], print)
    properties = kafka.Broker(home).properties
    properties.write_text(_properties(properties.read_text(), numbers, certificates, ours))
    return [java, "-XX:TieredStopAtLevel=1", *words], {"ports": numbers, "folder": str(folder)}


def of(note: Mapping[str, object]) -> SecuredKafka:
    """The broker that a note tells of."""
    return SecuredKafka(json.loads(json.dumps(note["ports"])), Path(str(note["folder"])))


def _properties(
    plain: str,
    numbers: Mapping[str, int],
    certificates: Mapping[str, Certificate],
    ours: Authority,
) -> str:
    given = dict(line.split("=", 1) for line in plain.splitlines())
    controller = given["listeners"].split(",")[1]
    listeners = [f"{name}://{ports.LOOPBACK}:{number}" for name, number in numbers.items()]
    protocols = ",".join(f"{name}:{protocol}" for name, protocol in _LISTENERS.items())
    given |= {
        "listeners": ",".join([*listeners, controller]),
        "advertised.listeners": ",".join(listeners),
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{OPERATOR[0]}",
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(ours.file),
    }
    for name, protocol in _LISTENERS.items():
        prefix = f"listener.name.{name.lower()}"
        if name in certificates:
            given |= {
                f"{prefix}.ssl.keystore.type": "PEM",
                f"{prefix}.ssl.keystore.location": str(certificates[name].both),
            }
        if protocol.startswith("SASL"):
            user, password = OPERATOR
            given |= {
                f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
                f"{prefix}.plain.sasl.jaas.config": f'{_PLAIN} user_{user}="{password}";',
                f"{prefix}.scram-sha-256.sasl.jaas.config": _SCRAM,
                f"{prefix}.scram-sha-512.sasl.jaas.config": _SCRAM,
            }
    return "".join(f"{name}={value}\n" for name, value in given.items())
