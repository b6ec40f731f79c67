"""One reader of Redis pub/sub for all WebSocket clients of this process."""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.aggregation.alerts import Alert
from streaming.aggregation.view import FrameView
from streaming.api import protocol
from streaming.api.outbox import Outbox
from streaming.api.pulse import Pulse
from streaming.images import AsyncImageStore

log = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 0.2, 5.0
_SILENCE_S = 1.0


class _Event(msgspec.Struct):
    type: str
    data: msgspec.Raw


class Latest(msgspec.Struct, frozen=True, rename="camel"):
    """The value of `camera:{id}:latest`."""

    camera_id: str
    frame: FrameView | None
    verdict: FrameView | None


@dataclass(eq=False)
class Client:
    """One connection: what it wants, and what waits to be sent to it. None means all cameras."""

    outbox: Outbox = field(default_factory=Outbox)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    results: frozenset[str] | None = None
    frames: frozenset[str] | None = frozenset()
    system: bool = False
    close: Callable[[], Awaitable[object]] | None = None

    def wants_result(self, camera_id: str) -> bool:
        """True if this camera's results are to be sent, with or without the picture."""
        return self.results is None or camera_id in self.results or self.wants_frame(camera_id)

    def wants_frame(self, camera_id: str) -> bool:
        """True if its pictures are to be sent too."""
        return self.frames is None or camera_id in self.frames

    def tell(self, notice: bytes) -> None:
        """Queue something that must arrive."""
        self.outbox.put_notice(notice)
        self.wake.set()

    def show(self, view: FrameView, result: bytes) -> None:
        """Queue a camera's newest result."""
        self.outbox.put_result(view.camera_id, result, judged=view.judged)
        self.wake.set()


class Live:
    """Fans out results and alerts, and remembers each camera's newest for those who join."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client
        self._images = AsyncImageStore(client)
        self.pulse = Pulse()
        self.clients: set[Client] = set()
        self.newest: dict[str, FrameView] = {}
        self.verdicts: dict[str, FrameView] = {}
        self.listening = False

    async def follow(self) -> None:
        """Read until cancelled; when Redis goes away, try again with growing pauses."""
        delay_s = _RETRY_FIRST_S
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as exc:
                log.warning("live results interrupted: %s", exc, extra={"retry_in_s": delay_s})
            was_listening, self.listening = self.listening, False
            await asyncio.sleep(delay_s)
            delay_s = _RETRY_FIRST_S if was_listening else min(2 * delay_s, _RETRY_MAX_S)

    def tell_all(self, notice: bytes, wanted: Callable[[Client], bool] = lambda _: True) -> None:
        """Queue a notice for every client that wants it."""
        for client in self.clients:
            if wanted(client):
                client.tell(notice)

    def catch_up(self, client: Client, camera_ids: Iterable[str]) -> None:
        """Queue what is known of these cameras: the last verdict, the newest frame."""
        for camera_id in camera_ids:
            newest, verdict = self.newest.get(camera_id), self.verdicts.get(camera_id)
            if verdict and (newest is None or verdict.message_id != newest.message_id):
                client.tell(protocol.detection_result(verdict))
            if newest:
                client.tell(protocol.detection_result(newest))

    def forget(self, camera_id: str) -> None:
        """A camera was removed."""
        self.newest.pop(camera_id, None)
        self.verdicts.pop(camera_id, None)

    async def remember(self, camera_ids: Iterable[str]) -> None:
        """Load what Redis holds of these cameras, for the first client after a start.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        keys = [redis_keys.camera_latest(camera_id) for camera_id in camera_ids]
        raws: Any = await self._redis.mget(keys) if keys else ()
        for raw in raws:
            latest = read_latest(raw)
            for view in (latest.verdict, latest.frame) if latest else ():
                if view is not None:
                    self._note(view)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.psubscribe(redis_keys.camera_channel("*"))
            while True:
                got = await subscription.get_message(timeout=_SILENCE_S)
                self.listening = True
                if got is not None:
                    await self._take(got["data"])

    async def _take(self, raw: bytes) -> None:
        try:
            event = msgspec.json.decode(raw, type=_Event)
            if event.type == "result":
                await self._take_result(msgspec.json.decode(event.data, type=FrameView))
            elif event.type == "alert":
                msgspec.json.decode(event.data, type=Alert)
                self.tell_all(raw)
        except msgspec.DecodeError as exc:
            log.warning("not understood on a camera's channel: %s", exc)

    async def _take_result(self, view: FrameView) -> None:
        self.pulse.add(view, time.monotonic())
        self._note(view)
        interested = [c for c in self.clients if c.wants_result(view.camera_id)]
        if not interested:
            return
        result = protocol.detection_result(view)
        with_frame = [c for c in interested if view.frame and c.wants_frame(view.camera_id)]
        for client in set(interested).difference(with_frame):
            client.show(view, result)
        if with_frame:
            pictured = await self._pictured(view, result)
            for client in with_frame:
                client.show(view, pictured)

    async def _pictured(self, view: FrameView, result: bytes) -> bytes:
        ref = view.frame.image_ref if view.frame else None
        jpeg = await self._images.get(ref) if ref else None
        return protocol.with_frame(result, base64.b64encode(jpeg)) if jpeg else result

    def _note(self, view: FrameView) -> None:
        if view.frame is not None:
            _keep_newer(self.newest, view)
        if view.judged:
            _keep_newer(self.verdicts, view)


def read_latest(raw: bytes | None) -> Latest | None:
    """What `camera:{id}:latest` holds; None where there is nothing, or another version's."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=Latest)
    except msgspec.DecodeError:
        return None


def _keep_newer(kept: dict[str, FrameView], view: FrameView) -> None:
    known = kept.get(view.camera_id)
    if known is None or view.captured_at >= known.captured_at:
        kept[view.camera_id] = view
