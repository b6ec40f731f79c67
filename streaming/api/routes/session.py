"""Logging in from a browser: the token once, then a cookie."""

import logging
import time

import msgspec
from aiohttp import web

from streaming.api.envelope import Refused, body_of, ok
from streaming.api.proxies import who
from streaming.api.security import SESSION_COOKIE, SESSION_S, new_session, same_secret
from streaming.api.state import state_of

log = logging.getLogger(__name__)


class LoginBody(msgspec.Struct):
    """`serving.token`."""

    token: str


async def log_in(request: web.Request) -> web.Response:
    """Exchange the token for a cookie that scripts cannot read, good for twelve hours."""
    body: LoginBody = await body_of(request, LoginBody)
    wanted = state_of(request).settings.serving.token
    if wanted is None:
        return ok(None, msg="no token is set, so none is needed")
    token = wanted.get_secret_value()
    if not same_secret(body.token, token):
        raise Refused(401, "the token is wrong; it is serving.token in config/serving.yaml")
    log.info("logged in", extra=who(request))
    response = ok(None, msg="logged in")
    response.set_cookie(
        SESSION_COOKIE,
        new_session(token, time.time()),
        max_age=SESSION_S,
        httponly=True,
        samesite="Strict",
        secure=request.secure,
        path="/",
    )
    return response


ROUTES = [web.post("/api/session", log_in)]
