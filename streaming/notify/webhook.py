"""A webhook: the documented JSON by POST.

Not by Apprise's json://, whose body is a title and a text: a program wants the alerts.
"""

import asyncio
from collections.abc import Sequence

import aiohttp

from streaming.notify.deliver import NotDelivered
from streaming.notify.notice import Notice, body
from streaming.proxies import proxy_for
from streaming.settings import NotificationChannel
from streaming.version import USER_AGENT

TIMEOUT_S = 10.0


def send(channel: NotificationChannel, notices: Sequence[Notice]) -> None:
    """Post once; any 2xx will do.

    Raises:
        NotDelivered: another answer, or none within ten seconds.
    """
    asyncio.run(_post(channel.address(), channel.headers(), body(notices)))


async def _post(url: str, headers: dict[str, str], payload: bytes) -> None:
    sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT} | headers
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    proxy = proxy_for(url)
    by = " through the proxy of the environment" if proxy else ""
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            # A redirect could take the headers to another host.
            session.post(
                url, data=payload, headers=sent, allow_redirects=False, proxy=proxy
            ) as response,
        ):
            status = response.status
    except TimeoutError as exc:
        raise NotDelivered(f"no answer within {TIMEOUT_S:g} s{by}") from exc
    except aiohttp.ClientHttpProxyError as exc:
        raise NotDelivered(f"not reached{by}: it answers {exc.status}") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise NotDelivered(f"not reached{by}: {type(exc).__name__}") from exc
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}{by}")
