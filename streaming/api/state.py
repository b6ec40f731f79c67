"""What the handlers share."""

from dataclasses import dataclass

import redis.asyncio
from aiohttp import web

from streaming.api.alert_book import AlertBook
from streaming.api.cameras import Cameras
from streaming.api.live import Live
from streaming.api.vitals import Vitals
from streaming.images import AsyncImageStore
from streaming.metrics import Metrics
from streaming.settings import Settings


@dataclass(frozen=True, slots=True)
class ApiState:
    """Everything a handler may need; made once at start."""

    settings: Settings
    redis: redis.asyncio.Redis
    images: AsyncImageStore
    cameras: Cameras
    alerts: AlertBook
    live: Live
    vitals: Vitals
    metrics: Metrics


STATE = web.AppKey("state", ApiState)


def state_of(request: web.Request) -> ApiState:
    """The shared state."""
    return request.app[STATE]
