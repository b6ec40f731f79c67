"""What is normal at each camera: as config/cameras.yaml says, or camera-control since then."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, MutableMapping

from streaming.errors import KafkaUnreachable
from streaming.kafka.cameras import announced
from streaming.messages import CameraCommand
from streaming.settings import Camera, Settings

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 30.0


def configured_notes(cameras: Iterable[Camera]) -> dict[str, str]:
    """By camera id, as the file has them."""
    return {camera.id: camera.notes for camera in cameras}


def live_notes(
    configured: Mapping[str, str], commands: Mapping[str, CameraCommand | None]
) -> dict[str, str]:
    """An announced camera has the notes it was announced with, also none."""
    return {**configured, **{i: c.notes for i, c in commands.items() if c is not None}}


async def follow(settings: Settings, notes: MutableMapping[str, str]) -> None:
    """Keep `notes` true until cancelled: a look every half minute.

    While Kafka does not answer they stay as they are.
    """
    configured = configured_notes(settings.cameras)
    while True:
        try:
            commands = await asyncio.to_thread(announced, settings.kafka)
        except KafkaUnreachable as exc:
            log.warning("camera notes stay as they are: %s", exc)
        else:
            now = live_notes(configured, commands)
            notes.update(now)
            for camera_id in notes.keys() - now.keys():
                del notes[camera_id]
        await asyncio.sleep(_LOOK_EVERY_S)
