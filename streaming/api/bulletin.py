"""What the server tells unasked: camera states as they change, the system, that it lives."""

import asyncio
import contextlib
import logging
import time

import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.api import protocol
from streaming.api.cameras import GIVING, CameraInfo, Cameras
from streaming.api.live import Live
from streaming.api.vitals import Vitals
from streaming.api.websocket import status_message
from streaming.errors import KafkaUnreachable

log = logging.getLogger(__name__)

_STATES_EVERY_S = 1.0
_SYSTEM_EVERY_S = 2.0
_CONTROL_EVERY_S = 15.0
_ALIVE_EVERY_S = 5.0


async def tell_camera_states(cameras: Cameras, live: Live) -> None:
    """`camera_status` whenever a camera's state, name or error changes, until cancelled."""
    known: dict[str, CameraInfo] = {}
    while True:
        try:
            now = await cameras.listed()
        except RedisError:
            await asyncio.sleep(_STATES_EVERY_S)
            continue
        for camera_id, camera in now.items():
            if known.get(camera_id) != camera:
                live.tell_all(status_message(camera_id, camera))
        for camera_id in known.keys() - now.keys():
            gone = {"cameraId": camera_id, "reason": "removed"}
            live.tell_all(protocol.message("stream_stopped", gone))
        known = now
        await asyncio.sleep(_STATES_EVERY_S)


async def tell_that_we_live(client: redis.asyncio.Redis) -> None:
    """In Redis, for the alert `daemon_silent`: there is no consumer group to tell it."""
    while True:
        with contextlib.suppress(RedisError):
            await client.hset(redis_keys.DAEMONS_SEEN, "api", f"{time.time():.3f}")
        await asyncio.sleep(_ALIVE_EVERY_S)


async def tell_system(vitals: Vitals, cameras: Cameras, live: Live) -> None:
    """`system` to those who asked for it: rates, latency, keys, lag, cameras, until cancelled."""
    while True:
        await asyncio.sleep(_SYSTEM_EVERY_S)
        pulse = live.pulse.reading(time.monotonic())
        if not any(client.system for client in live.clients):
            continue
        try:
            keys = await vitals.scheduler()
            states = [camera.status for camera in (await cameras.listed()).values()]
        except RedisError:
            continue
        lag: dict[str, int] = {}
        for (group, _), behind in vitals.lag.items():
            lag[group] = lag.get(group, 0) + behind
        data = pulse | {
            "keys": {
                name: keys[f"{name}_keys"]
                for name in ("total", "available", "in_use", "cooling", "disabled")
            },
            "lag": lag,
            "camerasOnline": sum(state in GIVING for state in states),
            "cameras": len(states),
        }
        live.tell_all(protocol.message("system", data), lambda client: client.system)


async def keep_cameras(cameras: Cameras) -> None:
    """Read camera-control again now and then: the command line writes to it too."""
    while True:
        try:
            await cameras.refresh()
        except (KafkaUnreachable, TimeoutError) as exc:
            log.warning("camera-control not read: %s", exc)
        await asyncio.sleep(_CONTROL_EVERY_S)
