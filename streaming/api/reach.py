"""Which addresses a camera may have that somebody names over the network.

A stranger's page must not learn by `rtspUrl` what listens inside: the machine itself, the
network it is in, a cloud's metadata. Cameras that are there are allowed by their network, or
put into config/cameras.yaml.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from streaming.api.envelope import Refused
from streaming.settings.addresses import check_stream

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ALLOWED_SCHEMES = ("rtsp", "rtsps", "http", "https", "synthetic")
"""What may come over the network: a path would let anyone read this machine's files."""

_MAX_SOURCE = 2_048
_RESOLVE_S = 3.0


def check_source(source: str) -> None:
    """An address of a scheme that may come over the network.

    Raises:
        Refused: it is not.
    """
    try:
        parts = urlsplit(source)
        host, _ = parts.netloc, parts.port
    except ValueError:
        raise Refused(400, f"the camera's address {_wrong(source) or 'cannot be read'}") from None
    if parts.scheme.lower() not in ALLOWED_SCHEMES or not host:
        raise Refused(
            400,
            f"a camera's address is one of {', '.join(ALLOWED_SCHEMES)}, then ://; "
            "files and devices go into config/cameras.yaml",
        )
    if len(source) > _MAX_SOURCE or not source.isprintable() or " " in source or "\\" in source:
        raise Refused(400, "the camera's address is too long or has characters that do not belong")
    if parts.scheme.lower() != "synthetic" and (wrong := _wrong(source)):
        raise Refused(400, f"the camera's address {wrong}")


def _wrong(source: str) -> str | None:
    """What is wrong with a stream's address, which may hold a password: without repeating it."""
    try:
        check_stream(source)
    except ValueError as exc:
        return str(exc)
    return None


async def check_reach(source: str, allowed: Sequence[Network]) -> None:
    """Refuse a source, otherwise fine, whose name stands for an address of the inner network.

    Raises:
        Refused: it does, or the name stands for nothing.
    """
    parts = urlsplit(source)
    if parts.scheme.lower() == "synthetic":
        return
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(_RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, None, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError, TimeoutError):
        raise Refused(
            400, f"the name {host!r} in the camera's address cannot be resolved"
        ) from None
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    if any(not may_reach(address, allowed) for address in addresses):
        raise Refused(
            403,
            f"{host!r} is in the inner network: name its network in serving.camera_networks, "
            "or put the camera into config/cameras.yaml",
        )


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    """True for an address of the open internet or of an allowed network."""
    mapped = getattr(address, "ipv4_mapped", None)
    plain: Address = mapped or address
    if any(plain in network for network in allowed if network.version == plain.version):
        return True
    return plain.is_global and not plain.is_multicast
