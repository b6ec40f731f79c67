"""Which cameras run: written to and read from the compacted camera-control topic."""

from streaming.errors import BadMessage, KafkaUnreachable
from streaming.kafka import snapshot
from streaming.kafka.clients import producer
from streaming.messages import HEADERS, CameraCommand, decode, encode
from streaming.settings import KafkaSettings

_ACK_S = 10.0


def announce(kafka: KafkaSettings, command: CameraCommand) -> None:
    """Have the camera run with these settings, from now on and after any restart.

    Raises:
        KafkaUnreachable: the broker did not take it within 10 s.
    """
    _write(kafka, command.camera_id, encode(command))


def withdraw(kafka: KafkaSettings, camera_id: str) -> None:
    """Stop the camera; the tombstone also ends one that config/cameras.yaml names.

    Raises:
        KafkaUnreachable: the broker did not take it within 10 s.
    """
    _write(kafka, camera_id, None)


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


def _write(kafka: KafkaSettings, camera_id: str, value: bytes | None) -> None:
    out = producer(kafka, client_id="cameras")
    out.produce(kafka.topics.camera_control.name, key=camera_id, value=value, headers=list(HEADERS))
    if out.flush(_ACK_S):
        raise KafkaUnreachable(
            f"{kafka.bootstrap_servers} (kafka.bootstrap_servers) did not take the command "
            f"within {_ACK_S:.0f} s"
        )
