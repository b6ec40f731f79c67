"""Which HTTP proxy an address is reached by: a setting, else the environment as requests reads it.

HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (names, suffixes, networks, ports), in capitals or
not. This machine's own addresses are reached by none.
"""

import urllib.request
from typing import IO, Any, cast

from requests.utils import get_environ_proxies, select_proxy
from yarl import URL

from streaming.errors import ConfigError
from streaming.logs import mask_url
from streaming.settings.server_addresses import proxy_address
from streaming.settings.serving import is_loopback

NONE = "none"
"""As a setting: by no proxy, whatever the environment says."""

_VARIABLES = "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY in the environment"


def proxy_for(url: str, setting: str | None = None) -> URL | None:
    """The proxy, with its user and password; None to go straight there.

    Raises:
        ConfigError: the environment names something that is no HTTP proxy.
    """
    if setting == NONE or is_loopback(URL(url).host or ""):
        return None
    found = setting or select_proxy(url, get_environ_proxies(url, None))
    if not found:
        return None
    try:
        return URL(proxy_address(found if "://" in found else f"http://{found}"))
    except ValueError as exc:
        raise ConfigError(f"{_VARIABLES} {exc}") from None


def through(proxy: URL | None) -> str:
    """For an error: which proxy it was, and what names it; nothing where there is none."""
    if proxy is None:
        return ""
    return f" through the proxy {mask_url(str(proxy))} (provider.proxy or {_VARIABLES})"


def open_here(request: str | urllib.request.Request, timeout_s: float) -> IO[bytes]:
    """`urlopen` of an address of our own programs: by no proxy.

    Raises:
        OSError: no answer, or one of 400 and more.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer: Any = direct.open(request, timeout=timeout_s)
    return cast("IO[bytes]", answer)
