"""Addresses of cameras that FFmpeg would cut at another place than the person meant. Pure.

FFmpeg ends the user, password, host and port at the first `/`, `?` or `#`, and looks for the host
after the last `@` before it. So `@` and `:` in a password are fine as they are, the other three
are not: `rtsp://admin:12/34@10.0.0.5/1` is port 12 of a host called admin.
"""

import ipaddress
import re

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL
)
_IN_BRACKETS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\])(?P<port>:.*)?")
_MAY_LISTEN = frozenset({"rtp", "udp", "tcp", "srt"})
"""Schemes that need no host: `udp://@:5000` takes what comes."""

_ENCODE = (
    "must have the signs / ? and # in its user and password percent-encoded:"
    " %2F for /, %3F for ?, %23 for #, and %40 for an @ after the host"
)


def check_stream(address: str) -> None:
    """Raises ValueError, which never repeats the address, if it cannot be opened as written."""
    parts = _PARTS.fullmatch(address)
    if parts is None:
        raise ValueError("must be an address with a scheme: rtsp://host/path")
    authority, rest = parts["authority"], parts["rest"]
    path = rest.partition("?")[0] if rest.startswith("/") else rest
    has_later_at = "@" in path
    if re.search(r"[\s\x00-\x1f\x7f]", authority) or re.search(r"[\r\n\x00]|\s\S*://", rest):
        raise ValueError("must be one address, without blanks or line breaks: a blank is %20")
    host, port = _host_and_port(authority.rpartition("@")[2])
    if port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65_536):
        raise ValueError(
            _ENCODE if has_later_at else "must have a port from 1 to 65535 after its host and colon"
        )
    if has_later_at and not _is_surely_a_host(host):
        raise ValueError(_ENCODE)
    if not host and parts["scheme"].lower() not in _MAY_LISTEN:
        raise ValueError(f"must name a host after {parts['scheme']}://")
    if re.search(r'["<>\\^`{|}]', host):
        raise ValueError("must name a host: letters, digits, dots and dashes, or an IP address")


def password_of(address: str) -> str | None:
    """The password in an address, as it is written there; None if there is none."""
    parts = _PARTS.fullmatch(address)
    login, at, _ = parts["authority"].rpartition("@") if parts else ("", "", "")
    return login.partition(":")[2] or None if at else None


def _host_and_port(text: str) -> tuple[str, str | None]:
    in_brackets = _IN_BRACKETS.fullmatch(text)
    if in_brackets:
        port = in_brackets["port"]
        return in_brackets["host"], port[1:] if port else None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_surely_a_host(host: str) -> bool:
    """Not only a word, which may be the user's name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return "." in host or host.lower() == "localhost"
    return True
