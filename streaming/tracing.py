"""W3C trace context: one trace from the frame to the verdict."""

import os
import random
import re

HEADER = "traceparent"
_ids = random.Random()  # noqa: S311 - ids of a trace are no secret
os.register_at_fork(after_in_child=_ids.seed)
_VALID = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def new_traceparent() -> bytes:
    """The start of a trace, sampled."""
    # Both ids in one draw; that either is zero, which is no id, happens to nobody.
    return b"00-%032x-%016x-01" % divmod(_ids.getrandbits(192), 1 << 64)


def next_traceparent(parent: bytes | None) -> bytes:
    """A step of the parent's trace; a new trace where the parent is missing or malformed."""
    match = _VALID.fullmatch(parent) if parent else None
    if match is None or not match.group(1).strip(b"0") or not match.group(2).strip(b"0"):
        return new_traceparent()
    return _traceparent(match.group(1))


def _traceparent(trace_id: bytes) -> bytes:
    return b"00-%b-%016x-01" % (trace_id, _ids.getrandbits(64) or 1)
