"""`/ws`: the guide's system's protocol, and `subscribe`."""

import asyncio
import contextlib
import logging
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from redis.exceptions import RedisError

from streaming.api import protocol
from streaming.api.cameras import GIVING, CameraInfo, check_id
from streaming.api.envelope import Refused
from streaming.api.live import Client
from streaming.api.proxies import who
from streaming.api.state import ApiState, state_of
from streaming.errors import KafkaUnreachable
from streaming.messages import CameraCommand

log = logging.getLogger(__name__)

MAX_CLIENTS = 500
MAX_MESSAGE_BYTES = 64 * 1024
_HEARTBEAT_S = 20.0
_SEND_TIMEOUT_S = 30.0
_START_WAIT_S = 10.0
_START_POLL_S = 0.25
_MESSAGES_PER_S = 100


async def websocket(request: web.Request) -> web.StreamResponse:
    """One client, until it leaves, falls too far behind, or the server stops."""
    state = state_of(request)
    if len(state.live.clients) >= MAX_CLIENTS:
        raise Refused(503, f"{MAX_CLIENTS} connections are open; close one")
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False
    )
    if not socket.can_prepare(request):
        raise Refused(426, "this address speaks WebSocket")
    await socket.prepare(request)
    client = Client(close=partial(socket.close, code=WSCloseCode.GOING_AWAY))
    state.live.clients.add(client)
    client.tell(_welcome())
    state.live.catch_up(client, state.live.newest)
    writer = asyncio.create_task(_write(socket, client, request.transport))
    try:
        await _Conversation(state, client, who(request)).hold(socket)
    finally:
        state.live.clients.discard(client)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
    return socket


def _welcome() -> bytes:
    """`connection_ack`; by the server's time a page reckons ages, whatever its own clock says."""
    ack = {"clientId": uuid.uuid4().hex, "protocol": 1, "serverTime": datetime.now(UTC)}
    return protocol.message("connection_ack", ack)


async def _write(
    socket: web.WebSocketResponse, client: Client, transport: asyncio.Transport | None
) -> None:
    """Send what waits; a client that takes nothing for 30 s, or misses notices, is let go."""
    try:
        while not client.outbox.overflowed:
            client.wake.clear()
            while (message := client.outbox.take()) is not None:
                async with asyncio.timeout(_SEND_TIMEOUT_S):
                    await socket.send_frame(message, WSMsgType.TEXT)
            await client.wake.wait()
    except (TimeoutError, ConnectionError):
        pass
    if transport is not None:
        transport.abort()


class _Conversation:
    """What one client says, and the answers."""

    def __init__(self, state: ApiState, client: Client, who: dict[str, str]) -> None:
        self._state, self._client, self._who = state, client, who
        self._tasks: set[asyncio.Task[None]] = set()
        self._window_ends_s = 0.0
        self._said = 0

    async def hold(self, socket: web.WebSocketResponse) -> None:
        """Answer until the client leaves."""
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(message.data)
                elif message.type is WSMsgType.BINARY:
                    self._client.tell(protocol.error("send text, not binary"))
        finally:
            for task in self._tasks:
                task.cancel()

    async def _hear(self, text: str) -> None:
        if self._too_fast():
            self._client.tell(protocol.error(f"at most {_MESSAGES_PER_S} messages a second"))
            return
        try:
            await self._answer(protocol.read(text))
        except (protocol.BadRequest, Refused, KafkaUnreachable) as exc:
            self._client.tell(protocol.error(str(exc)))
        except RedisError:
            self._client.tell(protocol.error("Redis does not answer"))

    def _too_fast(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._window_ends_s:
            self._window_ends_s, self._said = now_s + 1.0, 0
        self._said += 1
        return self._said > _MESSAGES_PER_S

    async def _answer(self, request: protocol.Request) -> None:
        match request:
            case protocol.Ping():
                self._client.tell(protocol.message("pong", {}))
            case protocol.Subscribe():
                self._subscribe(request)
            case protocol.StartStream():
                await self._start(request)
            case protocol.StopStream():
                await self._stop(str(request.camera_id))
            case protocol.CheckCamera():
                await self._check(request)

    def _subscribe(self, request: protocol.Subscribe) -> None:
        wanted = None if request.camera_ids is None else frozenset(map(str, request.camera_ids))
        client, live = self._client, self._state.live
        had = {i for i in live.newest if client.wants_result(i)}
        if request.frames:
            client.frames = wanted
        else:
            client.results = wanted
        if request.system is not None:
            client.system = request.system
        live.catch_up(client, {i for i in live.newest if client.wants_result(i)} - had)

    async def _start(self, request: protocol.StartStream) -> None:
        camera_id = str(request.camera_id)
        check_id(camera_id)
        known = (await self._state.cameras.listed()).get(camera_id)
        if request.rtsp_url is not None:
            name = request.camera_name or (known.name if known else camera_id)
            before = self._state.cameras.commanded(camera_id)
            command = CameraCommand(
                camera_id=camera_id,
                name=name[:100],
                source=request.rtsp_url,
                interval_s=before.interval_s if before else None,
                notes=before.notes if before else "",
            )
            await self._state.cameras.add(command)
            self._note("camera changed" if known else "camera added", camera_id)
        elif known is None:
            raise Refused(404, f"no camera {camera_id!r}: start_stream needs its rtspUrl")
        if self._client.frames is not None:
            self._client.frames |= {camera_id}
        task = asyncio.create_task(self._tell_when_online(camera_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_when_online(self, camera_id: str) -> None:
        """`camera_status` as soon as a worker has the camera, or what is wrong after 10 s."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + _START_WAIT_S
        camera: CameraInfo | None = None
        with contextlib.suppress(RedisError):
            while loop.time() < deadline_s:
                camera = (await self._state.cameras.listed()).get(camera_id)
                if camera is not None and camera.status in GIVING:
                    break
                await asyncio.sleep(_START_POLL_S)
        self._client.tell(status_message(camera_id, camera))

    async def _stop(self, camera_id: str) -> None:
        await self._state.cameras.remove(camera_id)
        self._note("camera removed", camera_id)
        self._state.live.forget(camera_id)
        stopped = {"cameraId": camera_id, "reason": "stopped by a client"}
        self._state.live.tell_all(protocol.message("stream_stopped", stopped))

    def _note(self, what: str, camera_id: str) -> None:
        log.info(what, extra={"camera_id": camera_id, **self._who})

    async def _check(self, request: protocol.CheckCamera) -> None:
        camera_id = str(request.camera_id)
        check_id(camera_id)
        if request.rtsp_url is not None:
            await self._state.cameras.check(request.rtsp_url)
        camera = (await self._state.cameras.listed()).get(camera_id)
        self._client.tell(status_message(camera_id, camera))


def status_message(camera_id: str, camera: CameraInfo | None) -> bytes:
    """`camera_status`: 1 gives frames, 2 is failing and being retried, 0 anything else."""
    if camera is None:
        return protocol.camera_status(camera_id, 0, "not running; start_stream starts it")
    more: dict[str, Any] = {"name": camera.name, "state": camera.status, "since": camera.since}
    if camera.status in GIVING:
        return protocol.camera_status(camera_id, 1, "online", **more)
    if camera.error:
        return protocol.camera_status(camera_id, 2, camera.error, **more)
    return protocol.camera_status(camera_id, 0, camera.status, **more)
