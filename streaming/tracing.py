"""W3C trace context: one trace from the frame to the verdict."""

import os
import re

HEADER = "traceparent"
_VALID = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def new_traceparent() -> bytes:
    """The start of a trace, sampled."""
    return _traceparent(os.urandom(16).hex().encode())


def next_traceparent(parent: bytes | None) -> bytes:
    """A step of the parent's trace; a new trace where the parent is missing or malformed."""
    match = _VALID.fullmatch(parent or b"")
    if match is None or not match.group(1).strip(b"0") or not match.group(2).strip(b"0"):
        return new_traceparent()
    return _traceparent(match.group(1))


def _traceparent(trace_id: bytes) -> bytes:
    return b"00-" + trace_id + b"-" + os.urandom(8).hex().encode() + b"-01"
