"""What it means when a broker refuses us: which user, which right, on what, and what to do."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException

from streaming.errors import KafkaRefused
from streaming.kafka.handshake import Address, addresses, obstacle
from streaming.settings import KafkaSettings

Kind = Literal["topic", "group", "transactional-id", "cluster"]

_KINDS: dict[int, Kind] = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional-id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
}
_AUTHENTICATION = KafkaError._AUTHENTICATION  # noqa: SLF001 - librdkafka's own codes are named so
_SSL = KafkaError._SSL  # noqa: SLF001
_BROKER = re.compile(r"^\w+://(?P<host>[^/]+):(?P<port>\d+)/")


@dataclass(frozen=True, slots=True)
class Right:
    """What must be granted: an operation (READ, WRITE, …) on something by its name."""

    operation: str
    kind: Kind
    name: str = ""
    otherwise: str = ""
    """What else the broker's answer may mean."""


class Denied(Exception):
    """The broker does not grant a right. `patiently` says so by the user's name."""

    def __init__(self, right: Right) -> None:
        super().__init__(f"{right.operation} {right.kind} {right.name}")
        self.right = right


@contextmanager
def using(*rights: Right) -> Iterator[None]:
    """A request that needs these: raises `Denied` for the one that the broker refuses."""
    try:
        yield
    except KafkaException as exc:
        for right in of_kind(exc.args[0], rights):
            raise Denied(right) from exc
        raise


def concerns_a_right(error: KafkaError) -> bool:
    """Whether an error says that a right is missing."""
    return error.code() in _KINDS


def of_kind(error: KafkaError, rights: Sequence[Right]) -> list[Right]:
    """Those of the rights that the error may be about."""
    return [right for right in rights if right.kind == _KINDS.get(error.code())]


def missing(kafka: KafkaSettings, right: Right) -> KafkaRefused:
    """The error that says who lacks which right, and how it is granted."""
    security = kafka.security
    if security.signs_in:
        who, setting = f"user {security.username}", "kafka.security.username"
        principal = f"User:{security.username}"
    elif security.certificate_file is not None:
        who, setting = "the owner of our certificate", "kafka.security.certificate_file"
        principal = "'User:<its subject>'"
    else:
        who, setting, principal = "User:ANONYMOUS", "kafka.security.protocol", "User:ANONYMOUS"
    operation = "".join(word.capitalize() for word in right.operation.split("_"))
    on = "--cluster" if right.kind == "cluster" else f"--{right.kind} {right.name}"
    what = " ".join(filter(None, [right.operation, right.kind.replace("-", " "), right.name]))
    otherwise = f", {right.otherwise}" if right.otherwise else ""
    return KafkaRefused(
        f"{who} may not {what} ({setting}){otherwise}; an operator grants it with `trafficmon "
        f"kafka acls --add --allow-principal {principal} --operation {operation} {on}`"
    )


def concerns_us(error: KafkaError) -> bool:
    """Whether an error that a client hears says that a broker does not let us in."""
    text = error.str()
    return (
        error.code() == _AUTHENTICATION
        or (error.code() == _SSL and "verify" in text)
        or ("SSL routines" in text and "alert" in text)
        or "SSL connection closed by peer" in text
    )


def not_let_in(kafka: KafkaSettings, heard: Sequence[KafkaError]) -> KafkaRefused | None:
    """Why no broker lets us in, by what a client heard; None if it is something else, or nobody
    is there."""
    for error in heard:
        if error.code() == _AUTHENTICATION:
            return KafkaRefused(_unauthenticated(kafka, error))
    told = [found for error in heard if concerns_us(error) and (found := _broker(error))]
    why = obstacle(kafka, dict.fromkeys([*told, *addresses(kafka)]))
    return None if why is None else KafkaRefused(why)


def _unauthenticated(kafka: KafkaSettings, error: KafkaError) -> str:
    security, text = kafka.security, error.str()
    found = _broker(error)
    where = f"the broker at {found[0]}:{found[1]}" if found else "the broker"
    if "mechanism handshake failed" in text:
        offered = text.partition("supported mechanisms:")[2].partition("(")[0].strip()
        if offered:
            return (
                f"{where} takes no {security.mechanism} (kafka.security.mechanism), "
                f"but {offered.replace(',', ', ')}"
            )
        return f"{where} asks for no user; is kafka.security.protocol {security.protocol} right?"
    kept = "password_file" if security.password_file is not None else "password"
    return (
        f"{where} does not accept user {security.username} with this password by "
        f"{security.mechanism} (kafka.security.username, {kept}, mechanism)"
    )


def _broker(error: KafkaError) -> Address | None:
    found = _BROKER.match(error.str())
    return (found["host"].strip("[]"), int(found["port"])) if found else None
