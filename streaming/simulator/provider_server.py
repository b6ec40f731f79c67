"""aiohttp's low-level server, which knows when a request's first bytes came."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

_MAX_REQUEST_BYTES = 32 * 1024 * 1024


class _Connection(web.RequestHandler):
    """Notes the moment at which the head of a request arrived.

    Its handler begins only when the tasks before it have had their turn: under load that is
    milliseconds later, and a strict provider counts by arrival.
    """

    __slots__ = ("head_at",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_at: float | None = None

    def data_received(self, data: bytes) -> None:
        if self.head_at is None:
            self.head_at = time.monotonic()
        super().data_received(data)


class Server(web.Server):
    """Calls `handle` for each request; one that its client gives up is cancelled."""

    def __init__(self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(
            _then_read(handle), request_factory=_request, handler_cancellation=True, access_log=None
        )

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def head_arrived_at(request: web.BaseRequest) -> float:
    """Seconds of time.monotonic()."""
    connection = request.protocol
    noted = connection.head_at if isinstance(connection, _Connection) else None
    return time.monotonic() if noted is None else noted


def _then_read(
    handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle_and_read(request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        try:
            response = await handle(request)
            # What is still to come of this request must not pass for the head of the next one.
            if request.can_read_body:
                await request.read()
            return response
        finally:
            if isinstance(connection, _Connection):
                connection.head_at = None

    return handle_and_read


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=_MAX_REQUEST_BYTES
    )
