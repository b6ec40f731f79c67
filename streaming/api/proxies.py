"""A request as its client sent it, whatever proxies stand between."""

import ipaddress
import logging

from aiohttp import web

from streaming.api.envelope import Handler
from streaming.api.forwarded import asked, is_in
from streaming.settings import ServingSettings

log = logging.getLogger(__name__)

USER = web.RequestKey("user", str)
"""Who has logged in at a trusted proxy."""

_HEADERS = {"for": "X-Forwarded-For", "proto": "X-Forwarded-Proto", "host": "X-Forwarded-Host"}
_PROXIES_TOLD = 20
_LONGEST_NAME = 200


def behind_proxies(serving: ServingSettings) -> object:
    """The middleware that gives a request its client's address, scheme and host back.

    Whatever comes after it, `request.remote` is the client and `request.secure` says whether it
    uses TLS. A proxy that is not trusted is named once in the log.
    """
    trusted = tuple(map(ipaddress.ip_network, serving.trusted_proxies))
    told: set[str] = set()

    @web.middleware
    async def seen_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers, peer = request.headers, request.remote or ""
        if is_in(peer, trusted):
            if serving.user_header and (user := headers.get(serving.user_header)):
                request[USER] = user[:_LONGEST_NAME]
            lines = {name: headers.getall(header, []) for name, header in _HEADERS.items()}
            found = asked(peer, lines, request.forwarded, trusted)
            request = request.clone(
                remote=found.client,
                scheme=found.scheme or request.scheme,
                host=found.host or request.host,
            )
        elif "X-Forwarded-For" in headers and peer not in told and len(told) < _PROXIES_TOLD:
            told.add(peer)
            log.warning("peer outside serving.trusted_proxies not believed", extra={"peer": peer})
        return await handler(request)

    return seen_through


def who(request: web.Request) -> dict[str, str]:
    """For the log: the client's address, and its name if a trusted proxy knows it."""
    user = request.get(USER)
    return {"client": request.remote or ""} | ({"user": user} if user else {})
