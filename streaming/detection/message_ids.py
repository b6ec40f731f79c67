"""UUIDv7 (RFC 9562, section 5.7), ids that sort by their time; in Python from 3.14 on. Pure."""

from datetime import datetime

RANDOM_BYTES = 10

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_A = 0xFFF << 64
_RANDOM_B = (1 << 62) - 1


def uuid7(now: datetime, random: bytes) -> str:
    """An id of this millisecond; `random` is 10 bytes, of which 74 bits are used."""
    milliseconds = int(now.timestamp() * 1000)
    chance = int.from_bytes(random, "big")
    bits = (chance & _RANDOM_A) | (chance & _RANDOM_B)
    text = f"{milliseconds << 80 | _VERSION | _VARIANT | bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
