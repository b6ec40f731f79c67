"""Which cameras run: written to and read from the compacted camera-control topic."""

from collections.abc import Mapping

from streaming.errors import BadMessage, KafkaUnreachable
from streaming.kafka import snapshot
from streaming.kafka.clients import producer
from streaming.kafka.refusals import Right
from streaming.messages import HEADERS, CameraCommand, decode, encode
from streaming.settings import KafkaSettings

_ACK_S = 10.0


def announce(kafka: KafkaSettings, *commands: CameraCommand) -> None:
    """Have each camera run with these settings, from now on and after any restart.

    Raises:
        KafkaUnreachable: the broker did not take it within 10 s.
    """
    _write(kafka, {command.camera_id: encode(command) for command in commands})


def withdraw(kafka: KafkaSettings, *camera_ids: str) -> None:
    """Stop the cameras; a tombstone also ends one that config/cameras.yaml names.

    Raises:
        KafkaUnreachable: the broker did not take it within 10 s.
    """
    _write(kafka, dict.fromkeys(camera_ids))


def announced(kafka: KafkaSettings) -> dict[str, CameraCommand | None]:
    """The last command of every camera on the topic; None for one that was stopped.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    found: dict[str, CameraCommand | None] = {}
    for record in snapshot.records(kafka, [kafka.topics.camera_control.name]):
        key = record.key()
        if key is not None:
            found[key.decode(errors="replace")] = _command(record.value())
    return found


def _command(value: bytes | None) -> CameraCommand | None:
    """The command; bytes that are none count as a stop, as they do for the worker."""
    try:
        return decode(value, CameraCommand) if value else None
    except BadMessage:
        return None


def _write(kafka: KafkaSettings, commands: Mapping[str, bytes | None]) -> None:
    topic = kafka.topics.camera_control.name
    out = producer(kafka, client_id="cameras", rights=(Right("WRITE", "topic", topic),))
    for camera_id, value in commands.items():
        out.produce(topic, key=camera_id, value=value, headers=list(HEADERS))
    if out.flush(_ACK_S):
        raise KafkaUnreachable(
            f"{kafka.bootstrap_servers} (kafka.bootstrap_servers) did not take the command "
            f"within {_ACK_S:.0f} s"
        )
