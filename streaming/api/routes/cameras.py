"""Cameras: list, add, change, remove; the newest result, picture and verdicts of each."""

import logging
from typing import Annotated, Any, cast

import msgspec
from aiohttp import web

from streaming import redis_keys
from streaming.aggregation.live_store import Verdict, verdicts_key
from streaming.api.cameras import check_id
from streaming.api.envelope import Refused, body_of, ok
from streaming.api.live import Latest, read_latest
from streaming.api.proxies import who
from streaming.api.routes.images import jpeg_response
from streaming.api.routes.queries import whole_number
from streaming.api.state import state_of
from streaming.messages import CameraCommand, Homography, Polygon, Zone

log = logging.getLogger(__name__)

Priority = Annotated[int, msgspec.Meta(ge=0, le=100)]


class CameraBody(msgspec.Struct, rename="camel", kw_only=True):
    """A camera to run."""

    id: str | int
    source: str | None = None
    name: str | None = None
    enabled: bool = True
    interval_s: float | None = None
    notes: str | None = None
    priority: Priority | None = None
    zones: tuple[Zone, ...] | None = None
    privacy_masks: tuple[Polygon, ...] | None = None
    homography: Homography | None = None


class CameraChange(msgspec.Struct, rename="camel", kw_only=True):
    """What is to be different about a camera; what is left out stays as it is."""

    source: str | None = None
    name: str | None = None
    enabled: bool | None = None
    interval_s: float | None = None
    notes: str | None = None
    priority: Priority | None = None
    zones: tuple[Zone, ...] | None = None
    privacy_masks: tuple[Polygon, ...] | None = None
    homography: Homography | None = None


async def listed(request: web.Request) -> web.Response:
    """Every camera with its state."""
    return ok(list((await state_of(request).cameras.listed()).values()))


async def put(request: web.Request) -> web.Response:
    """Add a camera or change one; it runs within seconds, and after every restart."""
    body: CameraBody = await body_of(request, CameraBody)
    cameras = state_of(request).cameras
    camera_id = str(body.id)
    check_id(camera_id)
    if not body.source:
        raise Refused(400, "a camera needs its address in `source`")
    _check_interval(body.interval_s)
    known = (await cameras.listed()).get(camera_id)
    name = _checked_name(body.name or (known.name if known else "") or camera_id)
    before = cameras.commanded(camera_id)
    await cameras.add(
        CameraCommand(
            camera_id=camera_id,
            name=name,
            source=body.source,
            enabled=body.enabled,
            interval_s=body.interval_s,
            notes=(before.notes if body.notes is None and before else body.notes or "")[:500],
            priority=body.priority,
            zones=body.zones,
            privacy_masks=body.privacy_masks,
            homography=body.homography,
        )
    )
    _note(request, "camera changed" if known else "camera added", camera_id)
    camera = (await cameras.listed())[camera_id]
    return ok(camera, msg="changed" if known else "added", status=200 if known else 201)


async def change(request: web.Request) -> web.Response:
    """Change what the body names of a camera, also of one that config/cameras.yaml has."""
    body: CameraChange = await body_of(request, CameraChange)
    cameras, camera_id = state_of(request).cameras, request.match_info["camera_id"]
    _check_interval(body.interval_s)
    await cameras.change(
        camera_id,
        source=body.source,
        name=None if body.name is None else _checked_name(body.name),
        enabled=body.enabled,
        interval_s=body.interval_s,
        notes=None if body.notes is None else body.notes[:500],
        priority=body.priority,
        zones=body.zones,
        privacy_masks=body.privacy_masks,
        homography=body.homography,
    )
    _note(request, "camera changed", camera_id)
    return ok((await cameras.listed())[camera_id], msg="changed")


async def remove(request: web.Request) -> web.Response:
    """Stop a camera and take it off the list."""
    state, camera_id = state_of(request), request.match_info["camera_id"]
    await state.cameras.remove(camera_id)
    _note(request, "camera removed", camera_id)
    state.live.forget(camera_id)
    return ok({"id": camera_id}, msg="removed")


async def latest(request: web.Request) -> web.Response:
    """The newest frame with its groups' risks, and the newest frame that was judged."""
    return ok(await _latest(request))


async def frame(request: web.Request) -> web.Response:
    """The newest frame's picture."""
    found = await _latest(request)
    ref = found.frame.frame.image_ref if found.frame and found.frame.frame else None
    jpeg = await state_of(request).images.get(ref) if ref else None
    if jpeg is None:
        raise Refused(404, "the camera's newest picture is gone, or there was none")
    return jpeg_response(jpeg, lasting=False)


async def history(request: web.Request) -> web.Response:
    """The newest judged frames, newest first; `limit` 1 to 200."""
    limit = whole_number(request, "limit", default=50, low=1, high=200)
    key = verdicts_key(await _known_id(request))
    raws = cast("list[bytes]", await state_of(request).redis.zrevrange(key, 0, limit - 1))
    return ok([msgspec.json.decode(raw, type=Verdict) for raw in raws])


def _note(request: web.Request, what: str, camera_id: str) -> None:
    log.info(what, extra={"camera_id": camera_id, **who(request)})


def _check_interval(interval_s: float | None) -> None:
    if interval_s is not None and not 0.05 <= interval_s <= 3600:
        raise Refused(400, "intervalS must be 0.05 to 3600 seconds")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Refused(400, "name must be 1 to 100 printable characters")
    return name


async def _latest(request: web.Request) -> Latest:
    camera_id = await _known_id(request)
    raw: Any = await state_of(request).redis.get(redis_keys.camera_latest(camera_id))
    return read_latest(raw) or Latest(camera_id, None, None)


async def _known_id(request: web.Request) -> str:
    camera_id = request.match_info["camera_id"]
    if camera_id not in await state_of(request).cameras.listed():
        raise Refused(404, f"no camera {camera_id!r}; /api/cameras lists them")
    return camera_id


ROUTES = [
    web.get("/api/cameras", listed),
    web.post("/api/cameras", put),
    web.patch("/api/cameras/{camera_id}", change),
    web.delete("/api/cameras/{camera_id}", remove),
    web.get("/api/cameras/{camera_id}/latest", latest),
    web.get("/api/cameras/{camera_id}/frame.jpg", frame),
    web.get("/api/cameras/{camera_id}/history", history),
]
