"""What kept an answer from coming, as one of our errors that names the setting."""

import ssl

import aiohttp
from yarl import URL

from streaming.errors import (
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUnreachable,
)
from streaming.logs import mask_url
from streaming.proxies import through
from streaming.scheduling.request_body import NotTaken
from streaming.scheduling.vendor_errors import without_secret
from streaming.settings import ProviderSettings

_MAX_REASON_CHARS = 200


def proxy_refuses(settings: ProviderSettings, proxy: URL | None) -> ProviderUnreachable:
    """The error for a 407."""
    return ProviderUnreachable(
        f"no connection to {mask_url(settings.base_url)} (provider.base_url){through(proxy)}: "
        "it wants another user or password (407)"
    )


def failure_of(  # noqa: PLR0911 - the most specific reading first
    exc: Exception,
    settings: ProviderSettings,
    timeout_s: float,
    secret: str,
    proxy: URL | None = None,
) -> ProviderError:
    """The error for what aiohttp raised; `timeout_s` was the call's total."""
    where = f"{mask_url(settings.base_url)} (provider.base_url){through(proxy)}"
    match exc:
        case aiohttp.ClientHttpProxyError(status=407):
            return proxy_refuses(settings, proxy)
        case aiohttp.ClientHttpProxyError():
            return ProviderUnreachable(f"no connection to {where}: it answers {exc.status}")
        case aiohttp.ClientProxyConnectionError():
            return ProviderUnreachable(f"no connection to {where}: it is not there")
        case aiohttp.ConnectionTimeoutError():
            return ProviderUnreachable(
                f"no connection to {where} within {settings.connect_timeout_s:g} s "
                "(provider.connect_timeout_s)"
            )
        case NotTaken():
            return ProviderTimeout(
                f"nothing of the request was taken for {settings.write_timeout_s:g} s "
                "(provider.write_timeout_s)"
            )
        case aiohttp.SocketTimeoutError():
            return ProviderTimeout(
                f"silence for {settings.read_timeout_s or 0:g} s (provider.read_timeout_s)"
            )
        case TimeoutError():
            return ProviderTimeout(
                f"no whole answer within {timeout_s:.1f} s (scheduler.timeout_seconds)"
            )
    reason = without_secret(" ".join(str(exc).split()), secret)[:_MAX_REASON_CHARS]
    reason = reason or type(exc).__name__
    match exc:
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return ProviderUnreachable(f"no secure connection to {where}: {reason}")
        case aiohttp.ClientConnectionError():
            return ProviderUnreachable(f"no connection to {where}: {reason}")
    return ProviderUnavailable(f"{where} does not answer as HTTP should: {reason}")
