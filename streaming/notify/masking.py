"""What a vendor says of a failure, without any part of the channel's address. Pure."""

import re

from streaming.logs import mask_url
from streaming.settings import NotificationChannel

MASK = "***"
_SHORTEST = 4
_LONGEST_TEXT = 300
_PUBLIC = frozenset({"http", "https", "robot", "send", "webhook", "services", "cgi-bin"})


def masked(text: str, channel: NotificationChannel) -> str:
    """One line; every secret, and every piece that its address is made of, replaced by ***."""
    secrets = channel.secrets()
    pieces = {piece for secret in secrets for piece in re.split(r"[/?&=:@,\s]+", secret)}
    hidden = {s for s in (*secrets, *pieces) if len(s) >= _SHORTEST} - _PUBLIC
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return mask_url(" ".join(text.split()))[:_LONGEST_TEXT]
