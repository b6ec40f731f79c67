"""WebSocket clients as walls are: all results, the pictures of two cameras, some never reading.

They run in a process of their own, so that their work is not counted as the server's.
"""

import asyncio
import multiprocessing
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import aiohttp

_RESULT = re.compile(rb'"cameraId":"([^"]*)","messageId":"([^"]*)"')
_STATE = re.compile(rb'"state":"(pending|partial|complete)"')
_CONNECT_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Audience:
    """Who listens at `url`: of `clients`, `deaf` never read."""

    url: str
    clients: int
    deaf: int
    cameras: int


@dataclass(slots=True)
class Heard:
    """When (Unix time, s) each complete result reached the first and the last reading client."""

    last: dict[bytes, float] = field(default_factory=dict)
    times: dict[bytes, int] = field(default_factory=dict)
    lost: int = 0

    def take(self, raw: bytes, now_s: float) -> None:
        """One message to one client."""
        head = raw[-4096:] if len(raw) > 8192 else raw
        state = _STATE.search(head) or _STATE.search(raw)
        found = _RESULT.search(raw)
        if state is None or found is None or state[1] != b"complete":
            return
        message_id = found[2]
        self.last[message_id] = now_s
        self.times[message_id] = self.times.get(message_id, 0) + 1


def listen(audience: Audience, pipe: Connection) -> None:
    """The process: says when all are connected, stops when told to, sends what was heard."""
    heard = asyncio.run(_listen(audience, pipe))
    pipe.send(heard)


async def _listen(audience: Audience, pipe: Connection) -> Heard:
    heard, gate = Heard(), asyncio.Semaphore(_CONNECT_AT_ONCE)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        sockets = await asyncio.gather(
            *(_connect(session, gate, audience, n) for n in range(audience.clients))
        )
        reading = [asyncio.create_task(_read(s, heard)) for s in sockets[audience.deaf :]]
        pipe.send("connected")
        await asyncio.to_thread(pipe.recv)
        for task in reading:
            task.cancel()
        with suppress(Exception):
            await asyncio.gather(*reading, return_exceptions=True)
    return heard


async def _connect(
    session: aiohttp.ClientSession, gate: asyncio.Semaphore, audience: Audience, number: int
) -> aiohttp.ClientWebSocketResponse:
    async with gate:
        socket = await session.ws_connect(audience.url, max_msg_size=0, compress=0)
        mine = [str((2 * number + i) % audience.cameras) for i in range(2)]
        await socket.send_json({"type": "subscribe", "data": {"cameraIds": mine, "frames": True}})
        return socket


async def _read(socket: aiohttp.ClientWebSocketResponse, heard: Heard) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            heard.take(message.data.encode(), time.time())
    heard.lost += 1


class Listeners:
    """The clients' process, from connecting to what they heard."""

    def __init__(self, audience: Audience) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=listen, args=(audience, theirs), daemon=True)

    def start(self, timeout_s: float) -> bool:
        """True as soon as every client is connected."""
        self._process.start()
        return self._pipe.poll(timeout_s) and self._pipe.recv() == "connected"

    def stop(self, timeout_s: float) -> Heard | None:
        """What they heard; None if they do not answer."""
        self._pipe.send("stop")
        heard = self._pipe.recv() if self._pipe.poll(timeout_s) else None
        self._process.join(timeout_s)
        return heard

    def end(self) -> None:
        """In any case."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
