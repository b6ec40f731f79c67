"""A request on its way to the socket: when it leaves, and whether the other end takes it."""

import asyncio
from collections.abc import Callable

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

_PART_BYTES = 131_072
"""More than aiohttp's writer keeps before it waits for the other end to take something."""

_NEVER_WAITS_BYTES = 60_000
"""With the head less than that: written in one go, without waiting."""


class NotTaken(aiohttp.ServerTimeoutError):
    """The other end took nothing of the request for too long."""


class RequestBody(Payload):
    """JSON bytes. `on_sent` is called when head and body go to the socket.

    aiohttp bounds connecting and reading, but not writing: a server that accepts a connection
    and reads nothing would hold a long request up to the total timeout. Each part of 128 KiB
    must be taken within `write_timeout_s`. What fits into the buffers of the operating system
    counts as taken; then the read timeout is what ends the wait.
    """

    _autoclose = True  # bytes: nothing to close

    def __init__(self, body: bytes, on_sent: Callable[[], None], write_timeout_s: float) -> None:
        super().__init__(body, content_type="application/json")
        self._body = body
        self._size = len(body)
        self._on_sent = on_sent
        self._write_timeout_s = write_timeout_s

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text; aiohttp's interface asks for it."""
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write everything.

        Raises:
            NotTaken: as above; aiohttp hands it to whoever waits for the answer.
        """
        self._on_sent()
        if len(self._body) <= _NEVER_WAITS_BYTES:
            await writer.write(self._body)
            return
        parts = memoryview(self._body)
        for start in range(0, len(parts), _PART_BYTES):
            try:
                async with asyncio.timeout(self._write_timeout_s):
                    await writer.write(parts[start : start + _PART_BYTES])
            except TimeoutError as exc:
                raise NotTaken from exc
