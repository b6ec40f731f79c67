"""Which cameras there are: configured, announced on camera-control, or heard of from a worker."""

import asyncio
import ipaddress
import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis.asyncio

from streaming import redis_keys
from streaming.api.envelope import Refused
from streaming.api.reach import check_reach, check_source
from streaming.camera_sync import command_of
from streaming.kafka import cameras as control
from streaming.logs import mask_url
from streaming.messages import CameraCommand
from streaming.messages.base import Part
from streaming.settings import Settings

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
GIVING = ("online", "degraded")
"""States of a camera that gives frames."""

_KEPT = ("priority", "zones", "privacy_masks", "homography")
_WORKER_GONE_S = 10.0


class CameraInfo(Part, frozen=True, kw_only=True, rename="camel"):
    """One camera; `status`: opening, online, degraded, offline, stopped, unknown while no worker
    tells. `score`, 0 to 1, is how far its connection is to be trusted."""

    id: str
    name: str
    source: str
    status: str
    enabled: bool = True
    interval_s: float | None = None
    since: str | None = None
    error: str | None = None
    worker_id: str | None = None
    score: float | None = None
    configured: bool = False


class Cameras:
    """The list, kept from camera-control; `refresh` reads that topic again."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis) -> None:
        self._settings = settings
        self._redis = client
        self._networks = tuple(map(ipaddress.ip_network, settings.serving.camera_networks))
        self._announced: dict[str, CameraCommand | None] = {}

    async def refresh(self) -> None:
        """Read camera-control from end to end; it is compacted, so it is short.

        Raises:
            KafkaUnreachable: no broker answers.
        """
        self._announced = await asyncio.to_thread(control.announced, self._settings.kafka)

    async def listed(self) -> dict[str, CameraInfo]:
        """Every camera by id, its source without credentials.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        raws: Any = await self._redis.hgetall(redis_keys.CAMERAS_STATUS)
        heard = _states(raws)
        found = {
            c.id: CameraInfo(
                id=c.id, name=c.name, source=c.source, status="unknown", enabled=c.enabled,
                interval_s=c.interval_s, configured=True,
            )
            for c in self._settings.cameras
        }  # fmt: skip
        for camera_id, command in self._announced.items():
            if command is not None:
                found[camera_id] = CameraInfo(
                    id=camera_id, name=command.name, source=command.source, status="unknown",
                    enabled=command.enabled, interval_s=command.interval_s,
                    configured=camera_id in found,
                )  # fmt: skip
            else:
                found.pop(camera_id, None)
                heard.pop(camera_id, None)
        for camera_id, state in heard.items():
            if camera_id not in found:
                found[camera_id] = CameraInfo(
                    id=camera_id, name=str(state.get("name") or camera_id),
                    source=str(state.get("source") or ""), status="unknown",
                )  # fmt: skip
        return {i: _with_state(found[i], heard.get(i)) for i in sorted(found, key=_by_number)}

    def commanded(self, camera_id: str) -> CameraCommand | None:
        """What the camera is to do: its last command, or else what the settings say of it."""
        if camera_id in self._announced:
            return self._announced[camera_id]
        configured = {camera.id: camera for camera in self._settings.cameras}.get(camera_id)
        return None if configured is None else command_of(configured)

    async def add(self, command: CameraCommand) -> None:
        """Have a camera run, or run with other settings.

        Priority, zones, masks and homography that are left out stay as they were.

        Raises:
            Refused: an id or address that is not allowed.
            KafkaUnreachable: the broker did not take it.
        """
        check_id(command.camera_id)
        await self.check(command.source)
        await self._announce(_kept(command, self.commanded(command.camera_id)))

    async def change(self, camera_id: str, **changes: Any) -> None:
        """Have a camera run with other settings: fields of CameraCommand; None leaves one as it is.

        Raises:
            Refused: there is no such camera, or its new address is not allowed.
            KafkaUnreachable: the broker did not take it.
        """
        known = self.commanded(camera_id)
        if known is None:
            raise Refused(404, f"no camera {camera_id!r}; /api/cameras lists them")
        given = {name: value for name, value in changes.items() if value is not None}
        if given.get("source", known.source) != known.source:
            await self.check(given["source"])
        await self._announce(msgspec.structs.replace(known, **given))

    async def check(self, source: str) -> None:
        """Whether a camera of this address may be named over the network.

        Raises:
            Refused: it may not.
        """
        check_source(source)
        await check_reach(source, self._networks)

    async def _announce(self, command: CameraCommand) -> None:
        await asyncio.to_thread(control.announce, self._settings.kafka, command)
        self._announced[command.camera_id] = command

    async def remove(self, camera_id: str) -> None:
        """Stop a camera and take it off the list.

        Raises:
            Refused: there is no such camera.
            redis.RedisError, KafkaUnreachable: one of the two did not answer.
        """
        if camera_id not in await self.listed():
            raise Refused(404, f"no camera {camera_id!r}; /api/cameras lists them")
        await asyncio.to_thread(control.withdraw, self._settings.kafka, camera_id)
        self._announced[camera_id] = None


def _kept(command: CameraCommand, before: CameraCommand | None) -> CameraCommand:
    """The command with what it leaves out as it was: a new address lifts no privacy mask."""
    if before is None:
        return command
    left_out = [name for name in _KEPT if getattr(command, name) is None]
    return msgspec.structs.replace(command, **{name: getattr(before, name) for name in left_out})


def check_id(camera_id: str) -> None:
    """An id that is safe in keys, addresses and file names.

    Raises:
        Refused: it is not.
    """
    if not _ID.fullmatch(camera_id):
        raise Refused(400, "a camera's id is 1 to 64 letters, digits, dots, dashes, underscores")


def _states(found: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    return {camera_id.decode(): json.loads(raw) for camera_id, raw in found.items()}


def _with_state(camera: CameraInfo, state: dict[str, Any] | None) -> CameraInfo:
    told = state or {}
    status = _status(told) if camera.enabled else "stopped"
    return CameraInfo(
        id=camera.id,
        name=camera.name,
        source=mask_url(camera.source),
        status=status,
        enabled=camera.enabled,
        interval_s=camera.interval_s,
        since=told.get("since"),
        error=mask_url(str(told["error"])) if told.get("error") else None,
        worker_id=told.get("workerId"),
        score=told.get("score"),
        configured=camera.configured,
    )


def _status(told: dict[str, Any]) -> str:
    """What the worker says, unless it has said nothing for ten seconds."""
    updated_at = told.get("updatedAt")
    if updated_at is not None:
        silent_s = (datetime.now(UTC) - datetime.fromisoformat(updated_at)).total_seconds()
        if silent_s > _WORKER_GONE_S:
            return "unknown"
    return str(told.get("status", "unknown"))


def _by_number(camera_id: str) -> tuple[int, int, str]:
    """1, 2, 10 before a, b."""
    is_number = camera_id.isascii() and camera_id.isdigit()
    return (0, int(camera_id), camera_id) if is_number else (1, 0, camera_id)
