"""The client of an OpenAI-compatible provider: one keep-alive session, four timeouts a call."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from streaming.errors import (
    BadAnswer,
    NoFreeConnection,
    ParameterRefused,
    ProviderError,
)
from streaming.proxies import proxy_for
from streaming.scheduling.chat import Reply, reply, with_parameters
from streaming.scheduling.connections import Sending, connector, telling_reuse, was_dead
from streaming.scheduling.endpoint import completions_url
from streaming.scheduling.error_body import tells_error
from streaming.scheduling.parameters import Parameters
from streaming.scheduling.request_body import RequestBody
from streaming.scheduling.transport_errors import failure_of, proxy_refuses
from streaming.scheduling.vendor_errors import (
    Response,
    error_of,
    is_html,
)
from streaming.settings import ApiKey, ProviderSettings
from streaming.settings.vendors import PRESETS
from streaming.version import USER_AGENT

TASK_HEADER = "x-trafficmon-task"

_READ_CHUNK_BYTES = 65_536
_PROXY_WANTS_LOGIN = 407


def _no_op() -> None:
    """Nobody wants to know when a request leaves."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the body, how long it may take in all, and whom to tell when it leaves.

    `parameters` go beside the messages, less those that the `model` is known to refuse;
    `wants_json` asks for JSON mode as `provider.json_mode` says.
    """

    body: bytes
    timeout_s: float
    task_id: str = ""
    on_sent: Callable[[], None] = _no_op
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    wants_json: bool = False


class Provider:
    """Calls `POST {base_url}/chat/completions`. Use as `async with`."""

    def __init__(self, settings: ProviderSettings, *, max_connections: int) -> None:
        self._settings = settings
        self._url = completions_url(settings.base_url)
        self._vendor = settings.vendor
        preset = PRESETS[self._vendor]
        self._key_header = preset.key_header
        self._parameters = Parameters(
            settings.json_mode, settings.parameters, preset.max_tokens_name
        )
        self._headers = {n: v.get_secret_value() for n, v in settings.headers.items()}
        self._max_connections = max_connections
        self._free = asyncio.Semaphore(max_connections)
        self._session: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None
        self._proxy: URL | None = None

    async def __aenter__(self) -> Self:
        """Raises ConfigError: the environment names something that is no HTTP proxy."""
        settings = self._settings
        self._proxy = proxy_for(settings.base_url, settings.proxy)
        self._session = self._open(keep=True)
        self._fresh = self._open(keep=False)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in (self._session, self._fresh):
            if session is not None:
                await session.close()

    def _open(self, *, keep: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector(self._settings, self._max_connections, keep=keep),
            # Answers are short: compressing them costs both ends more than it saves.
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[telling_reuse()] if keep else [],
        )

    async def ask(self, key: ApiKey, call: Call) -> Reply:
        """The model's answer.

        Raises:
            ProviderError: the subclass says what went wrong; no message holds the key.
        """
        return (await self.exchange(key, call))[0]

    async def exchange(self, key: ApiKey, call: Call) -> tuple[Reply, Response]:
        """The model's answer, and the response that it came in.

        Raises:
            ProviderError: as `ask`.
        """
        secret = key.key.get_secret_value()
        sent = self._parameters.of(call.model, call.parameters, wants_json=call.wants_json)
        body = with_parameters(call.body, sent)
        await self._wait_for_connection()
        try:
            response = await self._post(secret, call, body)
        except BadAnswer:
            raise
        except aiohttp.ClientHttpProxyError as exc:  # it would print the proxy's password
            raise failure_of(exc, self._settings, call.timeout_s, secret, self._proxy) from None
        except (TimeoutError, aiohttp.ClientError, ssl.SSLError, ValueError) as exc:
            raise failure_of(exc, self._settings, call.timeout_s, secret, self._proxy) from exc
        finally:
            self._free.release()
        if response.status == _PROXY_WANTS_LOGIN:
            raise proxy_refuses(self._settings, self._proxy)
        if response.status != 200 or is_html(response):
            raise self._refusal(response, key, call.model, sent)
        try:
            return reply(response.body), response
        except BadAnswer:
            if tells_error(response.body):
                raise self._refusal(response, key, call.model, sent) from None
            raise

    async def _wait_for_connection(self) -> None:
        """Our own queue: aiohttp would count the wait as connecting."""
        if not self._free.locked():
            await self._free.acquire()
            return
        wait_s = self._settings.pool_timeout_s
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError as exc:
            raise NoFreeConnection(
                f"all {self._max_connections} connections were busy for {wait_s:g} s "
                "(provider.pool_timeout_s)"
            ) from exc

    async def _post(self, secret: str, call: Call, body: bytes) -> Response:
        """The answer; a kept connection that turns out to be dead costs no attempt."""
        if self._session is None or self._fresh is None:
            raise RuntimeError("use Provider as `async with`")
        begun, sending = time.monotonic(), Sending()
        try:
            return await self._exchange(self._session, secret, call, body, sending)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
            left_s = call.timeout_s - (time.monotonic() - begun)
            if left_s <= 0 or not was_dead(exc, sending):
                raise
        again = replace(call, timeout_s=left_s, on_sent=_no_op)
        return await self._exchange(self._fresh, secret, again, body, Sending())

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        secret: str,
        call: Call,
        body: bytes,
        sending: Sending,
    ) -> Response:
        settings = self._settings
        bearer = "Bearer " if self._key_header == "authorization" else ""
        headers = self._headers | {self._key_header: bearer + secret}
        if call.task_id:
            headers[TASK_HEADER] = call.task_id
        async with session.post(
            self._url,
            data=RequestBody(body, call.on_sent, settings.write_timeout_s),
            headers=headers,
            timeout=aiohttp.ClientTimeout(
                total=call.timeout_s,
                connect=settings.connect_timeout_s,
                sock_read=settings.read_timeout_s,
            ),
            allow_redirects=False,
            proxy=self._proxy,
            trace_request_ctx=sending,
        ) as response:
            sending.answered = True
            return Response(response.status, response.headers, await self._bounded_body(response))

    async def _bounded_body(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._settings.max_answer_bytes
        length = response.content_length
        if length is not None and length <= limit and "content-encoding" not in response.headers:
            return await response.read()
        chunks, size = [], 0
        async for chunk in response.content.iter_chunked(_READ_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                response.close()
                raise BadAnswer(f"the answer is longer than {limit} B (provider.max_answer_bytes)")
            chunks.append(chunk)
        return b"".join(chunks)

    def _refusal(
        self, response: Response, key: ApiKey, model: str, sent: Mapping[str, Any]
    ) -> ProviderError:
        """The error in an answer to a request that had these parameters."""
        error = error_of(
            response,
            base_url=self._settings.base_url,
            vendor=self._vendor,
            key_id=key.id,
            secret=key.key.get_secret_value(),
            now=datetime.now(UTC),
        )
        if refused := self._parameters.learn(model, sent, response.status, response.body):
            return ParameterRefused(f"{error}; the model is asked without {refused} from now on")
        if self._parameters.objects_to_json(sent, response.status, response.body):
            error.args = (f"{error}; provider.json_mode: auto asks without JSON mode",)
        return error
