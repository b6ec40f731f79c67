"""The API daemon: puts the parts together and serves them."""

import asyncio
import contextlib
import errno
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from redis.exceptions import RedisError

from streaming.api import bulletin, openapi
from streaming.api.alert_book import AlertBook
from streaming.api.cameras import Cameras
from streaming.api.envelope import Handler, errors_as_json
from streaming.api.live import Live
from streaming.api.proxies import behind_proxies
from streaming.api.routes import all_routes
from streaming.api.security import check_bind, guard
from streaming.api.state import STATE, ApiState
from streaming.api.vitals import Vitals
from streaming.api.websocket import websocket
from streaming.errors import ConfigError, PortInUse
from streaming.images import AsyncImageStore
from streaming.kafka import admin
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.readiness import PORT, Readiness
from streaming.redis_client import connect_async, wait_for_redis
from streaming.settings import Settings

log = logging.getLogger(__name__)

FAILURE: web.AppKey[asyncio.Future[None]] = web.AppKey("failure")
WALL = Path(__file__).parent / "wall"
_MAX_BODY_BYTES = 64 * 1024
_SHUTDOWN_S = 3.0
_CANCEL_AGAIN_S = 0.5


def run(settings: Settings, instance_id: str) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: reachable from elsewhere without a token.
        PortInUse: something else listens on `serving.api.port`.
        KafkaUnreachable, RedisUnreachable: not there within `kafka.connect_timeout_s`.
    """
    check_bind(settings.serving)
    stop = stop_on_signals()
    admin.wait_for_broker(settings.kafka, settings.kafka.connect_timeout_s)
    wait_for_redis(settings.redis, settings.kafka.connect_timeout_s)
    log.info("serving", extra={"instance_id": instance_id, "port": settings.serving.api.port})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        readiness = Readiness.of(settings, "api", instance_id, PORT)
        runner.run(serve(settings, stop, lambda: readiness.reached(PORT)))


async def serve(
    settings: Settings, stop: threading.Event, on_listening: Callable[[], None] = lambda: None
) -> None:
    """Listen at `serving.host` and `serving.api.port` until `stop` is set.

    Raises what a background task ended by, so that the supervisor starts the process anew.
    """
    app = build(settings)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await _listen(runner, settings.serving.host, settings.serving.api.port)
        on_listening()
        await _stopped_or_failed(stop, app[FAILURE])
    finally:
        await runner.cleanup()


async def _stopped_or_failed(stop: threading.Event, failure: asyncio.Future[None]) -> None:
    waiting: asyncio.Future[Any] = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    try:
        either: set[asyncio.Future[Any]] = {waiting, failure}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()  # lets the waiting thread go: the loop's end waits for it
    if failure.done():
        failure.result()


def build(settings: Settings) -> web.Application:
    """The application; nothing connects before it starts."""
    app = web.Application(
        middlewares=[
            behind_proxies(settings.serving),  # type: ignore[list-item]
            guard(settings.serving),  # type: ignore[list-item]
            errors_as_json,
        ],
        client_max_size=_MAX_BODY_BYTES,
    )
    app.add_routes(all_routes())
    app.router.add_get("/api/openapi.json", openapi.handler)
    app.router.add_get("/ws", websocket)
    app.router.add_get("/", _index(settings.prompt.language))
    app.router.add_static("/wall/", WALL)
    app.cleanup_ctx.append(lambda app: _parts(app, settings))
    app.on_shutdown.append(_part_with_clients)
    return app


async def _parts(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Connections and background tasks, from start to stop."""
    client = connect_async(settings.redis)
    live, vitals = Live(client), Vitals(settings, client)
    cameras = Cameras(settings, client)
    app[STATE] = ApiState(
        settings=settings,
        redis=client,
        images=AsyncImageStore(client),
        cameras=cameras,
        alerts=AlertBook(client),
        live=live,
        vitals=vitals,
        metrics=Metrics(),
    )
    with contextlib.suppress(RedisError):
        await live.remember(await cameras.listed())
    duties: list[Coroutine[Any, Any, None]] = [
        live.follow(),
        vitals.watch(),
        bulletin.keep_cameras(cameras),
        bulletin.tell_camera_states(cameras, live),
        bulletin.tell_system(vitals, cameras, live),
        bulletin.tell_that_we_live(client),
    ]
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    app[FAILURE] = failure
    tasks = [asyncio.create_task(_guarded(duty, failure)) for duty in duties]
    yield
    await _cancelled(tasks)
    failure.cancel()
    await client.aclose()


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until it is heeded: cancelling a read from Redis may end as its time-out."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_CANCEL_AGAIN_S)


async def _part_with_clients(app: web.Application) -> None:
    """Close every WebSocket, so that clients look for another server at once."""
    closing = [client.close() for client in app[STATE].live.clients if client.close]
    await asyncio.gather(*closing, return_exceptions=True)


async def _guarded(duty: Coroutine[Any, Any, None], failure: asyncio.Future[None]) -> None:
    """A background task that ends by an error takes the process with it: it is restarted whole."""
    try:
        await duty
    except Exception as exc:
        log.exception("a background task failed")
        if not failure.done():
            failure.set_exception(exc)


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise PortInUse(port=port, setting="serving.api.port") from exc
        raise ConfigError(f"serving.host: cannot listen on {host}: {exc.strerror or exc}") from exc


def _index(language: str) -> Handler:
    """The wall's page, which begins in the language of the descriptions where that was chosen."""
    page = (WALL / "index.html").read_text(encoding="utf-8")
    if language != "auto":
        page = page.replace("<html ", f'<html data-language="{language}" ', 1)

    async def index(_request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    return index
