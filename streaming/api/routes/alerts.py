"""Alerts: filtered, paged, acknowledged."""

import logging
from datetime import UTC, datetime

from aiohttp import web

from streaming.api.alert_book import AlertFilter
from streaming.api.envelope import Refused, ok
from streaming.api.proxies import who
from streaming.api.routes.queries import moment, one_of, whole_number, yes_or_no
from streaming.api.state import state_of

log = logging.getLogger(__name__)


async def listed(request: web.Request) -> web.Response:
    """Newest first; filters `cameraId`, `level`, `since`, `acknowledged`, `open`; paged."""
    wanted = AlertFilter(
        camera_id=request.query.get("cameraId"),
        level=one_of(request, "level", ("medium", "high")),
        since=moment(request, "since"),
        acknowledged=yes_or_no(request, "acknowledged"),
        is_open=yes_or_no(request, "open"),
    )
    page = whole_number(request, "page", default=1, low=1, high=100_000)
    size = whole_number(request, "pageSize", default=50, low=1, high=200)
    found = await state_of(request).alerts.found(wanted)
    start = (page - 1) * size
    items = found[start : start + size]
    return ok({"total": len(found), "page": page, "pageSize": size, "items": items})


async def acknowledge(request: web.Request) -> web.Response:
    """Note that a person has seen it; doing so twice changes nothing."""
    alert_id = request.match_info["alert_id"]
    alert = await state_of(request).alerts.acknowledge(alert_id, datetime.now(UTC))
    if alert is None:
        raise Refused(404, "no such alert; the newest 100 of each camera are kept")
    log.info("alert acknowledged", extra={"alert_id": alert_id, **who(request)})
    return ok(alert, msg="acknowledged")


ROUTES = [
    web.get("/api/alerts", listed),
    web.post("/api/alerts/{alert_id}/acknowledge", acknowledge),
]
