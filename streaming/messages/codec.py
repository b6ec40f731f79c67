"""Messages to bytes and back. Bytes that are no message raise BadMessage with the field's path."""

from typing import Any, TypeVar

import msgspec

from streaming.errors import BadMessage
from streaming.messages.base import SCHEMA_VERSION, Message

M = TypeVar("M", bound=Message)

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encoder = msgspec.json.Encoder()
_decoders: dict[type[Message], msgspec.json.Decoder[Any]] = {}

HEADERS: tuple[tuple[str, bytes], ...] = (
    ("content-type", b"application/json"),
    ("schema-version", str(SCHEMA_VERSION).encode()),
)


def encode(message: Message) -> bytes:
    """The message as UTF-8 JSON; half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD.

    A model's answer that was cut inside an emoji holds one.
    """
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        return _encoder.encode(_mended(msgspec.to_builtins(message)))


def decode(raw: bytes, message_type: type[M]) -> M:
    """The message in `raw`; a cameraId given as an integer is read as its decimal string.

    Raises:
        BadMessage: not JSON, a field missing or of the wrong type, or a newer schema.
    """
    decoder = _decoders.get(message_type)
    if decoder is None:
        # Making one takes longer than decoding a message with it.
        decoder = _decoders[message_type] = msgspec.json.Decoder(message_type)
    try:
        message: M = decoder.decode(raw)
    except msgspec.ValidationError as exc:
        message = _with_text_camera_id(raw, message_type, exc)
    except _NOT_JSON as exc:
        raise BadMessage(f"not JSON: {exc}") from exc
    if message.schema_version > SCHEMA_VERSION:
        raise BadMessage(
            f"schemaVersion {message.schema_version} is newer than {SCHEMA_VERSION}: upgrade"
        )
    return message


def _with_text_camera_id(raw: bytes, message_type: type[M], first: Exception) -> M:
    """Second chance for senders that number their cameras."""
    try:
        fields = msgspec.json.decode(raw)
        camera_id = fields.get("cameraId") if isinstance(fields, dict) else None
        if type(camera_id) is not int:
            raise BadMessage(str(first)) from first
        return msgspec.convert(fields | {"cameraId": str(camera_id)}, message_type)
    except _NOT_JSON as exc:
        raise BadMessage(str(exc)) from exc


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {name: _mended(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(inner) for inner in value]
    return value
