"""Who asked, by which scheme and host, when a proxy stands between. Pure.

A proxy's word counts only if its own address is in `serving.trusted_proxies`: the headers are
walked from the right, where the nearest proxy wrote, up to the first address that is no trusted
proxy. That is the client; what stands further left is the client's own invention. A header that
cannot be read is worth as much as none.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAMES = ("for", "proto", "host")
_IPV6_CLIENT_BITS = 64
_MOST_HOPS = 32
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
)
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request was when it left its client; None where nobody says so."""

    client: str
    scheme: str | None = None
    host: str | None = None


def asked(
    peer: str,
    headers: Mapping[str, Sequence[str]],
    forwarded: Sequence[Mapping[str, str]],
    trusted: Sequence[Network],
) -> Asked:
    """The client behind `peer`, which is the other end of the connection.

    `headers` has the lines of X-Forwarded-For, -Proto and -Host under `for`, `proto` and `host`,
    `forwarded` the elements of Forwarded (RFC 7239). Who sends both is believed what both say: a
    proxy that writes the one hands on what its client wrote as the other.
    """
    if not is_in(peer, trusted):
        return Asked(peer)
    elements = list(forwarded)[-_MOST_HOPS:]
    listed = {name: _items(headers.get(name, ())) for name in _NAMES}
    standard = {name: [element.get(name, "") for element in elements] for name in _NAMES}
    by_one, by_other = _followed(peer, listed, trusted), _followed(peer, standard, trusted)
    if not elements:
        return by_one
    if not listed["for"]:
        return by_other
    if by_one.client != by_other.client:
        return Asked(peer)
    return Asked(
        by_one.client,
        by_one.scheme if by_one.scheme == by_other.scheme else None,
        by_one.host if by_one.host == by_other.host else None,
    )


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether it is an IP address of one of the networks; `::ffff:10.0.0.1` is 10.0.0.1."""
    known = _address(address)
    return known is not None and any(
        known in network for network in networks if network.version == known.version
    )


def counted_as(address: str | None) -> str:
    """By what wrong tokens are counted: an IPv6 client has at least a /64 to itself."""
    known = _address(address or "")
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, _IPV6_CLIENT_BITS), strict=False))
    return str(known or address or "")


def _followed(peer: str, written: Mapping[str, Sequence[str]], trusted: Sequence[Network]) -> Asked:
    client, hops = str(_address(peer) or peer), 0
    for text in reversed(written["for"]):
        known = _address(text)
        if known is None:
            break
        client, hops = str(known), hops + 1
        if not is_in(client, trusted):
            break
    scheme = _SCHEMES.get(_of_hop(written["proto"], hops).lower())
    host = _of_hop(written["host"], hops)
    return Asked(client, scheme, host if _HOST.fullmatch(host) else None)


def _of_hop(values: Sequence[str], hops: int) -> str:
    """What the proxy wrote that saw the client, `hops` from the right; proxies may leave it out."""
    return values[-min(max(hops, 1), len(values))] if values else ""


def _items(lines: Sequence[str]) -> list[str]:
    items = [item.strip() for line in lines for item in line.split(",")]
    return items[-_MOST_HOPS:] if any(items) else []


def _address(text: str) -> Address | None:
    """An IP address, with a port or without, as either header writes it."""
    text = text.strip().strip('"')
    in_brackets = re.fullmatch(r"\[([^\]]+)\](?::\S+)?", text)
    if in_brackets:
        text = in_brackets[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known
