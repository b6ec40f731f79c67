"""Every answer is `{code, msg, data}`, also when it is an error."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from redis.exceptions import RedisError

from streaming.errors import KafkaUnreachable, TrafficmonError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_encoder = msgspec.json.Encoder()


class Refused(TrafficmonError):
    """The request cannot be served: an HTTP status and a sentence for its sender."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


def ok(data: Any, *, msg: str = "ok", status: int = 200) -> web.Response:
    """A success; `code` repeats the HTTP status, as the guide's clients read it."""
    return answer(status, msg, data)


def answer(status: int, msg: str, data: Any = None) -> web.Response:
    """The envelope with any status."""
    body = _encoder.encode({"code": status, "msg": msg, "data": data})
    return web.Response(body=body, status=status, content_type="application/json")


async def body_of(request: web.Request, shape: type[Any]) -> Any:
    """The request's JSON as a struct.

    Raises:
        Refused: another content type, no JSON, or not of that shape.
    """
    if request.content_type != "application/json":
        raise Refused(415, "send Content-Type: application/json")
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused(400, str(exc)) from exc


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is answered with a reason; what was not foreseen is logged."""
    try:
        return await handler(request)
    except ConnectionError:
        raise  # the client left; nobody is there to be answered
    except Exception as exc:
        if isinstance(exc, web.HTTPException) and exc.status < 400:
            raise
        status, reason = _explained(request, exc)
        if status == 500:
            place = {"method": request.method, "path": request.path, "client": request.remote}
            log.exception("not foreseen", extra=place)
        refusal = answer(status, reason)
        if isinstance(exc, web.HTTPMethodNotAllowed):
            refusal.headers["Allow"] = ", ".join(sorted(exc.allowed_methods))
        return refusal


def _explained(request: web.Request, exc: Exception) -> tuple[int, str]:
    match exc:
        case Refused():
            return exc.status, str(exc)
        case web.HTTPNotFound():
            return 404, f"no such address: {request.path}"
        case web.HTTPException():
            return exc.status, exc.reason
        case RedisError():
            return 503, "Redis does not answer; see /api/health/health_check"
        case KafkaUnreachable():
            return 503, str(exc)
    return 500, "something went wrong here; logs/app.log says what"
