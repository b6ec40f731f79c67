"""Waits for conditions: the only place in tests that sleeps."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.02
_PATIENCE_S = 60.0
"""A busy machine's; a longer bound costs nothing where the condition comes."""


def eventually(
    predicate: Callable[[], T], timeout_s: float = _PATIENCE_S, poll_s: float = _POLL_S
) -> T:
    """The predicate's first true value; fails with its last one after `timeout_s`.

    A longer `poll_s` is for a predicate that is work for what is waited for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s; last value: {value!r}")
        time.sleep(poll_s)


async def eventually_async(predicate: Callable[[], T], timeout_s: float = _PATIENCE_S) -> T:
    """The same, while the event loop runs on."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s; last value: {value!r}")
        await asyncio.sleep(_POLL_S)
