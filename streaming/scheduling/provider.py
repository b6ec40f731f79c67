"""The client of an OpenAI-compatible provider: one keep-alive session, four timeouts a call."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import aiohttp

from streaming.errors import BadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable
from streaming.logs import mask_url
from streaming.scheduling.chat import Reply, reply
from streaming.scheduling.vendor_errors import (
    Response,
    error_of,
    html_answer,
    is_html,
    without_secret,
)
from streaming.settings import ApiKey, ProviderSettings

TASK_HEADER = "x-trafficmon-task"

_IDLE_S = 55.0  # below the minute after which most servers close a silent connection
_READ_CHUNK_BYTES = 65_536


def _no_op() -> None:
    """Nobody wants to know when a request leaves."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the body, how long it may take in all, and whom to tell when it leaves."""

    body: bytes
    timeout_s: float
    task_id: str = ""
    on_sent: Callable[[], None] = _no_op


class Provider:
    """Calls `POST {base_url}/chat/completions`. Use as `async with`."""

    def __init__(self, settings: ProviderSettings, *, max_connections: int) -> None:
        self._settings = settings
        self._url = settings.base_url.rstrip("/") + "/chat/completions"
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(_tell_sent)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=_IDLE_S, ttl_dns_cache=60
            ),
            trace_configs=[tracing],
            cookie_jar=aiohttp.DummyCookieJar(),
            raise_for_status=False,
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, key: ApiKey, call: Call) -> Reply:
        """The model's answer.

        Raises:
            ProviderError: the subclass says what went wrong; no message holds the key.
        """
        secret = key.key.get_secret_value()
        try:
            response = await self._exchange(secret, call)
        except aiohttp.ConnectionTimeoutError as exc:
            raise ProviderUnavailable(
                f"no connection to {self._shown} (provider.base_url) within "
                f"{self._settings.connect_timeout_s:g} s (provider.connect_timeout_s)"
            ) from exc
        except TimeoutError as exc:
            raise ProviderTimeout(f"no whole answer within {call.timeout_s:.1f} s") from exc
        except (aiohttp.ClientSSLError, ssl.SSLError) as exc:
            raise ProviderUnavailable(
                f"no secure connection to {self._shown} (provider.base_url): {_reason(exc)}"
            ) from exc
        except aiohttp.ClientConnectionError as exc:
            raise ProviderUnavailable(
                f"no connection to {self._shown} (provider.base_url): {_reason(exc)}"
            ) from exc
        except (aiohttp.ClientError, ValueError) as exc:
            reason = without_secret(_reason(exc), secret)
            raise ProviderUnavailable(
                f"{self._shown} (provider.base_url) does not answer as HTTP should: {reason}"
            ) from exc
        if response.status == 200 and not is_html(response):
            return reply(response.body)
        raise self._error(response, key, secret)

    async def _exchange(self, secret: str, call: Call) -> Response:
        if self._session is None:
            raise RuntimeError("use Provider as `async with`")
        timeout = aiohttp.ClientTimeout(
            total=call.timeout_s,
            connect=None,
            sock_connect=self._settings.connect_timeout_s,
            sock_read=call.timeout_s,
        )
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
        if call.task_id:
            headers[TASK_HEADER] = call.task_id
        async with self._session.post(
            self._url,
            data=call.body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            trace_request_ctx=SimpleNamespace(on_sent=call.on_sent),
        ) as response:
            body = await self._bounded_body(response)
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return Response(response.status, lowered, body)

    async def _bounded_body(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._settings.max_answer_bytes
        chunks, size = [], 0
        async for chunk in response.content.iter_chunked(_READ_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                response.close()
                raise BadAnswer(f"the answer is longer than {limit} B (provider.max_answer_bytes)")
            chunks.append(chunk)
        return b"".join(chunks)

    def _error(self, response: Response, key: ApiKey, secret: str) -> ProviderError:
        base_url = self._settings.base_url
        if response.status == 200:
            return html_answer(200, base_url)
        error = error_of(response, base_url=base_url, key_id=key.id, now=datetime.now(UTC))
        error.args = (without_secret(str(error), secret), *error.args[1:])
        return error

    @property
    def _shown(self) -> str:
        return mask_url(self._settings.base_url)


async def _tell_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any
) -> None:
    """aiohttp's hook when the request's head goes to the socket: after any connecting."""
    request_context = context.trace_request_ctx
    if request_context is not None:
        request_context.on_sent()


def _reason(exc: BaseException) -> str:
    return " ".join(str(exc).split())[:200] or type(exc).__name__
