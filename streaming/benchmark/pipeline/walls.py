"""When a verdict is told to the walls: the pub/sub channels that the API passes on."""

import threading
import time
from collections.abc import Callable

import msgspec
from redis.exceptions import RedisError

from streaming.redis_client import connect
from streaming.redis_keys import camera_channel
from streaming.settings import RedisSettings

_LOOK_S = 0.2
_AGAIN_S = 0.5
_END_S = 5.0


class _Group(msgspec.Struct, rename="camel", gc=False):
    task_id: str | None = None
    risk_level: str = "pending"


class _Shown(msgspec.Struct, rename="camel", gc=False):
    groups: tuple[_Group, ...] = ()


class _Event(msgspec.Struct, gc=False):
    data: _Shown


class Walls:
    """Tells `show(task_id, at_s)` of each verdict, in a thread, for the length of the block."""

    def __init__(self, redis: RedisSettings, show: Callable[[str, float], None]) -> None:
        self._redis = redis
        self._show = show
        self._decoder = msgspec.json.Decoder(_Event)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="walls", daemon=True)

    def __enter__(self) -> "Walls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_END_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except RedisError:
                self._stop.wait(_AGAIN_S)

    def _listen(self) -> None:
        with connect(self._redis) as client, client.pubsub() as channels:
            channels.psubscribe(camera_channel("*"))
            while not self._stop.is_set():
                message = channels.get_message(timeout=_LOOK_S)
                if message is not None and message["type"] == "pmessage":
                    self._take(message["data"])

    def _take(self, raw: bytes) -> None:
        now_s = time.time()
        try:
            event = self._decoder.decode(raw)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return  # another kind of news
        for group in event.data.groups:
            if group.task_id is not None and group.risk_level != "pending":
                self._show(group.task_id, now_s)
