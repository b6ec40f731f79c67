"""Who may talk to the API: loopback only, or whoever knows `serving.token`."""

import hashlib
import hmac
import logging
import re
import time
from collections import OrderedDict, deque
from urllib.parse import urlsplit

from aiohttp import web

from streaming.api.envelope import Handler, Refused, answer
from streaming.api.forwarded import counted_as
from streaming.errors import ConfigError
from streaming.settings import ServingSettings
from streaming.settings.serving import is_loopback

log = logging.getLogger(__name__)

SESSION_COOKIE = "trafficmon_session"
SESSION_S = 12 * 3600
MOST_GUESSES = 20
_GUESSES_FOR_S = 60.0
_ADDRESSES_REMEMBERED = 10_000
_PORTS = {"http": 80, "https": 443}
_OPEN_PATHS = frozenset({"/", "/health/health_check", "/api/session"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_bind(serving: ServingSettings) -> None:
    """Refuse to be reachable from elsewhere without a token.

    Raises:
        ConfigError: `serving.host` is no loopback address and `serving.token` is unset.
    """
    if serving.token is None and not is_loopback(serving.host):
        raise ConfigError(
            f"config/serving.yaml: serving.token must be set to serve on {serving.host} "
            "(serving.host): without it anyone who reaches the port sees every camera"
        )


def new_session(token: str, now_s: float) -> str:
    """A cookie that says until when (Unix time, s) its bearer is let in."""
    until = str(int(now_s + SESSION_S))
    return f"{until}.{_signature(token, until)}"


def session_holds(cookie: str, token: str, now_s: float) -> bool:
    """True for an unexpired cookie of this token; changing the token ends every session."""
    until, _, signature = cookie.partition(".")
    if not re.fullmatch("[0-9]{1,15}", until) or int(until) < now_s:
        return False
    return same_secret(signature, _signature(token, until))


def same_secret(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing."""
    # What is no UTF-8 arrives as surrogates.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())


def guard(serving: ServingSettings) -> object:
    """The middleware for these settings: token, host, origin, and headers on every answer."""
    token = serving.token.get_secret_value() if serving.token else None
    guesses = Guesses()

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        client = counted_as(request.remote)
        try:
            _check_host(request, token)
            _check_origin(request)
            if token is not None and _has_guessed(request):
                guesses.check(client, time.monotonic())
            _check_token(request, token)
        except Refused as exc:
            response: web.StreamResponse = answer(exc.status, str(exc))
        else:
            response = await handler(request)
        if token is not None and response.status == 401 and _has_guessed(request):
            guesses.add(client, time.monotonic())
            log.warning("wrong token", extra={"client": request.remote, "path": request.path})
        if not response.prepared:
            response.headers.update(HEADERS)
            if request.path.startswith("/wall/"):
                # Asked for again each time, answered by 304: a new release is seen at once.
                response.headers["Cache-Control"] = "no-cache"
        return response

    return guarded


class Guesses:
    """Wrong tokens of each address in the last minute: nobody may try them all."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str, now_s: float) -> None:
        """Raises Refused for an address that has guessed too often; times in s of any clock."""
        wrong = self._wrong.get(address)
        while wrong and now_s - wrong[0] > _GUESSES_FOR_S:
            wrong.popleft()
        if wrong and len(wrong) >= MOST_GUESSES:
            raise Refused(429, "too many wrong tokens; wait a minute")

    def add(self, address: str, now_s: float) -> None:
        """One more."""
        self._wrong.setdefault(address, deque(maxlen=MOST_GUESSES)).append(now_s)
        self._wrong.move_to_end(address)
        if len(self._wrong) > _ADDRESSES_REMEMBERED:
            self._wrong.popitem(last=False)


def _has_guessed(request: web.Request) -> bool:
    return request.path == "/api/session" or "Authorization" in request.headers


def _check_host(request: web.Request, token: str | None) -> None:
    """Without a token, no other site may reach us under a name of its own (DNS rebinding)."""
    if token is None and not is_loopback(_place(f"//{request.host}")[1]):
        raise Refused(403, "without serving.token only localhost is served")


def _check_origin(request: web.Request) -> None:
    """A browser says which page asks; only our own may change things or open the WebSocket."""
    origin = request.headers.get("Origin")
    if origin is None or (request.method in {"GET", "HEAD"} and request.path != "/ws"):
        return
    scheme, host, port = _place(origin)
    # Behind a proxy that is not trusted a page of https may look like one of http, never the
    # other way round.
    usual = _PORTS.get(scheme)
    ours = _place(f"{scheme}://{request.host}")[1:]
    if (
        not host
        or (host, port or usual) != (ours[0], ours[1] or usual)
        or (request.secure and scheme != "https")
    ):
        raise Refused(403, "this page may not use the API: its origin is another")


def _place(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, in lower case; no host if it cannot be read."""
    try:
        parts = urlsplit(address)
        return parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        return "", "", None


def _check_token(request: web.Request, token: str | None) -> None:
    if token is None or request.path in _OPEN_PATHS or request.path.startswith("/wall/"):
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and same_secret(given.strip(), token):
        return
    if session_holds(request.cookies.get(SESSION_COOKIE, ""), token, time.time()):
        return
    raise Refused(401, "send Authorization: Bearer <serving.token>, or log in at /")


def _signature(token: str, until: str) -> str:
    return hmac.new(token.encode(), f"session:{until}".encode(), hashlib.sha256).hexdigest()
