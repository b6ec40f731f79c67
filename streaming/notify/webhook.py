"""A webhook: the documented JSON by POST.

Not by Apprise's json://, whose body is a title and a text: a program wants the alerts.
"""

import asyncio
from collections.abc import Sequence

import aiohttp

from streaming.notify.deliver import NotDelivered
from streaming.notify.notice import Notice, body
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
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            # A redirect could take the headers to another host.
            session.post(url, data=payload, headers=sent, allow_redirects=False) as response,
        ):
            status = response.status
    except TimeoutError as exc:
        raise NotDelivered(f"no answer within {TIMEOUT_S:g} s") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise NotDelivered(f"not reached: {type(exc).__name__}") from exc
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}")
