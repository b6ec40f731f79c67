"""Connections to the provider: kept, kept alive, and told apart when they turn out to be dead."""

import socket
import ssl
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.connector import AddrInfoType

from streaming.settings import ProviderSettings

_IDLE_S = 55.0  # below the minute after which most servers close a silent connection
_PROBE_AFTER_S = 20
"""NAT tables of cheap routers forget a silent connection after half a minute."""


@dataclass(slots=True)
class Sending:
    """What is known of one request on its way."""

    reused: bool = False
    answered: bool = False


def connector(
    settings: ProviderSettings, max_connections: int, *, keep: bool
) -> aiohttp.TCPConnector:
    """Of connections that are kept for the next request, or closed after one."""
    kept: dict[str, Any] = {"keepalive_timeout": _IDLE_S} if keep else {"force_close": True}
    context = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
    unacknowledged_ms = round(settings.write_timeout_s * 1000)

    def open_socket(address: AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", _PROBE_AFTER_S),
            ("TCP_KEEPINTVL", _PROBE_AFTER_S // 2),
            ("TCP_KEEPCNT", 2),
            # What nobody acknowledges for so long is not going to arrive: RFC 5482.
            ("TCP_USER_TIMEOUT", unacknowledged_ms),
        ):
            if hasattr(socket, option):  # Linux has all of them
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return opened

    return aiohttp.TCPConnector(
        limit=max_connections, ttl_dns_cache=60, ssl=context, socket_factory=open_socket, **kept
    )


def telling_reuse() -> aiohttp.TraceConfig:
    """Notes in the request's `Sending` that it went out on a connection used before."""
    tracing = aiohttp.TraceConfig()

    async def reused(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceConnectionReuseconnParams,
    ) -> None:
        context.trace_request_ctx.reused = True

    tracing.on_connection_reuseconn.append(reused)
    return tracing


def was_dead(exc: Exception, sending: Sending) -> bool:
    """Whether the request met a kept connection that the other end no longer knew.

    Nothing of an answer came, so the provider has not taken the request: sending it again on
    a fresh connection costs no attempt.
    """
    broken = isinstance(exc, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    unanswered = sending.reused and not sending.answered
    return unanswered and broken and not isinstance(exc, aiohttp.ClientConnectorError)
