"""The OpenAPI 3.1 document, made from the route table; a test compares the two."""

from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from streaming.aggregation.alerts import Alert
from streaming.aggregation.live_store import Verdict
from streaming.api.cameras import CameraInfo
from streaming.api.live import Latest
from streaming.api.routes import all_routes
from streaming.api.routes.cameras import CameraBody, CameraChange
from streaming.api.routes.session import LoginBody
from streaming.version import VERSION

_JSON = "application/json"
_OBJECT: dict[str, Any] = {"type": "object"}

_BODIES: dict[str, type[Any]] = {
    "POST /api/cameras": CameraBody,
    "PATCH /api/cameras/{camera_id}": CameraChange,
    "POST /api/session": LoginBody,
}
_DATA: dict[str, Any] = {
    "GET /api/cameras": list[CameraInfo],
    "POST /api/cameras": CameraInfo,
    "PATCH /api/cameras/{camera_id}": CameraInfo,
    "GET /api/cameras/{camera_id}/latest": Latest,
    "GET /api/cameras/{camera_id}/history": list[Verdict],
    "POST /api/alerts/{alert_id}/acknowledge": Alert,
}
_QUERY: dict[str, dict[str, dict[str, Any]]] = {
    "GET /api/cameras/{camera_id}/history": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    },
    "GET /api/alerts": {
        "cameraId": {"type": "string"},
        "level": {"type": "string", "enum": ["medium", "high"]},
        "since": {"type": "string", "format": "date-time"},
        "acknowledged": {"type": "string", "enum": ["true", "false"]},
        "open": {"type": "string", "enum": ["true", "false"]},
        "page": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1},
        "pageSize": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    },
}
_NOT_JSON = {
    "/api/cameras/{camera_id}/frame.jpg": "image/jpeg",
    "/api/images/{ref}.jpg": "image/jpeg",
    "/metrics": "text/plain",
}
_FLAT = {"/health/health_check"}
_CREATED = {"POST /api/cameras"}
_UNAVAILABLE = {"/api/health/health_check", "/health/health_check", "/api/scheduler/health"}


async def handler(_request: web.Request) -> web.Response:
    """Serve the document."""
    return web.json_response(document())


@cache
def document() -> dict[str, Any]:
    """Every address with its parameters, bodies and answers."""
    types = [*_BODIES.values(), *_DATA.values()]
    shapes, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    bodies = dict(zip(_BODIES, shapes, strict=False))
    data = dict(zip(_DATA, shapes[len(_BODIES) :], strict=True))
    data["GET /api/alerts"] = _page(data["POST /api/alerts/{alert_id}/acknowledge"])
    paths: dict[str, dict[str, Any]] = {}
    for route in all_routes():
        name = f"{route.method} {route.path}"
        operation = _operation(route, bodies.get(name), data.get(name, {}))
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trafficmon",
            "version": VERSION,
            "description": "Live results, alerts, cameras and the machinery's health. "
            "Every JSON answer but /health/health_check is {code, msg, data}.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(
    route: web.RouteDef, body: dict[str, Any] | None, data: dict[str, Any]
) -> dict[str, Any]:
    name = f"{route.method} {route.path}"
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": (route.handler.__doc__ or "").strip().splitlines()[0],
        "parameters": _parameters(name, route.path),
        "responses": _responses(name, route.path, data),
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": body}}}
    return operation


def _parameters(name: str, path: str) -> list[dict[str, Any]]:
    in_path = [part.split("}")[0] for part in path.split("{")[1:]]
    found: list[dict[str, Any]] = [
        {"name": p, "in": "path", "required": True, "schema": {"type": "string"}} for p in in_path
    ]
    found += [{"name": q, "in": "query", "schema": s} for q, s in _QUERY.get(name, {}).items()]
    return found


def _responses(name: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
    media = _NOT_JSON.get(path, _JSON)
    schema = _OBJECT if path in _FLAT else _envelope(data)
    content = {media: {"schema": schema} if media == _JSON else {}}
    responses = {"200": {"description": "as asked", "content": content}}
    if name in _CREATED:
        responses["201"] = {"description": "added", "content": content}
    if path in _UNAVAILABLE:
        responses["503"] = {"description": "something is down: see the body", "content": content}
    error = {"description": "an error with its reason in msg"}
    responses["default"] = error | {"content": {_JSON: {"schema": _envelope({})}}}
    return responses


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["code", "msg", "data"],
        "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}, "data": data},
    }


def _page(item: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: {"type": "integer"} for name in ("total", "page", "pageSize")}
    return {"type": "object", "properties": numbers | {"items": {"type": "array", "items": item}}}
