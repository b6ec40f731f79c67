"""The client of an OpenAI-compatible provider: one keep-alive session, four timeouts a call."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

_IDLE_S = 55.0  # below the minute after which most servers close a silent connection
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
        self._proxy: URL | None = None

    async def __aenter__(self) -> Self:
        """Raises ConfigError: the environment names something that is no HTTP proxy."""
        settings = self._settings
        self._proxy = proxy_for(settings.base_url, settings.proxy)
        ca_file = settings.ca_file
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections,
                keepalive_timeout=_IDLE_S,
                ttl_dns_cache=60,
                ssl=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            ),
            # Answers are short: compressing them costs both ends more than it saves.
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
            },
            cookie_jar=aiohttp.DummyCookieJar(),
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
            response = await self._exchange(secret, call, body)
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

    async def _exchange(self, secret: str, call: Call, body: bytes) -> Response:
        if self._session is None:
            raise RuntimeError("use Provider as `async with`")
        settings = self._settings
        bearer = "Bearer " if self._key_header == "authorization" else ""
        headers = self._headers | {self._key_header: bearer + secret}
        if call.task_id:
            headers[TASK_HEADER] = call.task_id
        async with self._session.post(
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
        ) as response:
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
