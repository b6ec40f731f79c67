"""The simulated provider's HTTP side: what came, what it refuses, what it breaks."""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from pydantic import ValidationError

from streaming.scheduling.outcomes import Outcome
from streaming.simulator import provider_bodies as bodies
from streaming.simulator.provider_books import NOBODY, Books, SimulatedKey
from streaming.simulator.provider_chat import Chat, chat_of
from streaming.simulator.provider_faults import Fault, Faults
from streaming.simulator.provider_server import Server, head_arrived_at
from streaming.simulator.provider_vendors import saying
from streaming.simulator.provider_verdict import answer

__all__ = ["Latency", "SimulatedKey", "Simulator"]

TASK_HEADER = "x-trafficmon-task"

_MODELS = ("qwen-vl-plus", "qwen-vl-max", "qwen2.5-vl-7b-instruct")
_HANG_S = 3600.0
_DRIP_S = 1.0
_HUGE_BYTES = 11_000_000

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Latency:
    """Log-normal: the median in ms, and the sigma of the logarithm."""

    median_ms: float
    sigma: float

    def draw_s(self, rng: random.Random) -> float:
        """Seconds that one answer takes."""
        return self.median_ms / 1000 * math.exp(self.sigma * rng.gauss(0, 1))


class Simulator:
    """A provider: its books, how long it takes to answer, and what it will break."""

    def __init__(
        self,
        keys: Iterable[SimulatedKey],
        latency: Latency,
        *,
        faults: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.faults = faults or Faults()
        self.latency = latency
        self.books = Books(time.time())
        self.books.set_keys(keys)
        self._rng = random.Random(seed)
        self._numbers = itertools.count(1)
        self._routes: dict[tuple[str, str], _Handler] = {
            ("POST", "/v1/chat/completions"): self._chat,
            ("GET", "/v1/models"): self._models,
            ("GET", "/healthz"): self._health,
            ("GET", "/stats"): self._stats,
            ("POST", "/peaks"): self._forget_peaks,
            ("GET", "/faults"): self._get_faults,
            ("POST", "/faults"): self._set_faults,
        }

    def stats(self, *, with_tasks: bool = False) -> dict[str, Any]:
        """What GET /stats shows."""
        return self.books.stats(with_tasks=with_tasks)

    def server(self) -> Server:
        """The routes, for a runner; in a running event loop."""
        return Server(self._handle)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return _json(bodies.error(f"{request.path} is not served.", "not_found"), 404)
        return await handler(request)

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        key = self._key(request)
        key_id = key.id if key else NOBODY
        response = await self._answer(request, key, head_arrived_at(request))
        self.books.ended(key_id, response.status)
        if key is not None:
            response.headers.update(self._account_headers(key))
        return response

    async def _answer(
        self, request: web.BaseRequest, key: SimulatedKey | None, arrived: float
    ) -> web.StreamResponse:
        if self.faults.down:
            self.books.drawn["down"] += 1
            return _hang_up(request)
        if self.faults.html:
            return web.Response(text=bodies.HTML_PAGE, content_type="text/html")
        self.books.call(key.id if key else NOBODY, arrived)
        rejection = self._rejection(key, request)
        if key is None or rejection is not None:
            return rejection or _json(bodies.unknown_key(), 401)
        refusal = self.books.admit(key)
        if refusal is not None:
            return _json(bodies.refused(refusal), 429)
        task_id = request.headers.get(TASK_HEADER)
        if task_id is not None:
            self.books.arrived[task_id] += 1
        outcome = self.faults.outcome(key.id, self._rng)
        if outcome is not None:
            self.books.drawn[outcome] += 1
            return await self._end(request, outcome)
        fault = self.faults.draw(self._rng)
        if fault is not None:
            self.books.drawn[fault] += 1
        return await self._judge(request, fault, task_id)

    async def _end(self, request: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        """An answer that ends so, in the preset's words."""
        said = saying(self.faults.preset, outcome)
        if said is not None:
            status, body = said
            return _json(body, status)
        content, finish = (
            ("", "stop") if outcome is Outcome.EMPTY else ('{"riskLevel": "hi', "length")
        )
        chat = chat_of(await request.read(), _MODELS[0])
        body = bodies.completion(
            content, chat.model, next(self._numbers), 0, (1_000, 500), finish_reason=finish
        )
        return _json(body)

    def _rejection(self, key: SimulatedKey | None, request: web.BaseRequest) -> web.Response | None:
        """What a key gets that may not call."""
        if key is None or key.id in self.faults.dead_keys:
            echoed = request.headers.get("authorization", "") if self.faults.echo_keys else ""
            return _json(bodies.unknown_key(echoed), 401)
        if key.id in self.faults.forbidden_keys:
            return _json(bodies.forbidden(), 403)
        if key.id in self.faults.arrears_keys:
            return _json(bodies.arrears(), 400)
        return None

    async def _judge(  # noqa: PLR0911 - one for each thing that goes wrong
        self, request: web.BaseRequest, fault: Fault | None, task_id: str | None
    ) -> web.StreamResponse:
        raw = await request.read()
        self.books.largest_request_bytes = max(self.books.largest_request_bytes, len(raw))
        try:
            chat = chat_of(raw, _MODELS[0])
        except (ValueError, KeyError, TypeError, AttributeError):
            body = bodies.error("The request body is not a chat.", "invalid_parameter_error")
            return _json(body, 400)
        objection = self._objection(chat)
        if objection is not None:
            return objection
        latency_s = self.latency.draw_s(self._rng) + self.faults.added_latency_s
        await asyncio.sleep(_HANG_S if fault == "hang" else latency_s)
        if fault == "error":
            return _json(bodies.error("An internal error has occurred.", "internal_error"), 500)
        if self.faults.empty:
            return web.Response(content_type="application/json")
        body = self._completion(chat, fault)
        if chat.stream:
            return await _stream(request, body)
        encoded = msgspec.json.encode(body)
        if self.faults.huge:
            encoded += b" " * _HUGE_BYTES
        if fault == "slow":
            return await _drip(request, encoded)
        if task_id is not None:
            self.books.answered[task_id] += 1
        return web.Response(body=encoded, content_type="application/json")

    def _objection(self, chat: Chat) -> web.Response | None:
        """What a chat gets that the model cannot answer, as DashScope says it."""
        if chat.model in self.faults.unknown_models:
            return _json(bodies.unknown_model(chat.model), 404)
        if chat.json_mode and self.faults.no_json_mode:
            return _json(bodies.no_json_mode(), 400)
        if chat.json_mode and "json" not in chat.text.lower():
            return _json(bodies.no_word_json(), 400)
        return None

    def _completion(self, chat: Chat, fault: Fault | None) -> dict[str, Any]:
        if fault == "malformed":
            content = bodies.malformed(self._rng)
        elif self.faults.content is not None:
            content = self.faults.content
        else:
            content = answer(chat.text)
        tokens = (len(chat.text) // 2 + 1_000 * chat.images, max(1, len(content) // 2))
        number, now_s = next(self._numbers), int(time.time())
        return bodies.completion(content, chat.model, number, now_s, tokens)

    def _account_headers(self, key: SimulatedKey) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.faults.limit_headers:
            account = self.books.accounts[key.account]
            found["x-ratelimit-limit-requests"] = str(account.rpm)
            found["x-ratelimit-remaining-requests"] = str(account.remaining(time.monotonic()))
        if self.faults.organization_header:
            found["openai-organization"] = f"org-{key.account}"
        return found

    def _key(self, request: web.BaseRequest) -> SimulatedKey | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        return self.books.keys.get(secret) if scheme.lower() == "bearer" else None

    async def _models(self, request: web.BaseRequest) -> web.Response:
        if self.faults.html:
            response = web.Response(text=bodies.HTML_PAGE, content_type="text/html")
        else:
            rejection = self._rejection(self._key(request), request)
            response = rejection or _json(bodies.models(_MODELS))
        self.books.ended(None, response.status)
        return response

    async def _health(self, _request: web.BaseRequest) -> web.Response:
        return _json({"status": "ok"})

    async def _stats(self, request: web.BaseRequest) -> web.Response:
        return _json(self.stats(with_tasks="tasks" in request.query))

    async def _forget_peaks(self, _request: web.BaseRequest) -> web.Response:
        found = self.stats()
        self.books.forget_peaks(time.monotonic())
        return _json(found)

    async def _get_faults(self, _request: web.BaseRequest) -> web.Response:
        return _json(self.faults.model_dump())

    async def _set_faults(self, request: web.BaseRequest) -> web.Response:
        try:
            changes = msgspec.json.decode(await request.read(), type=dict[str, Any])
            self.faults = Faults.model_validate(self.faults.model_dump() | changes)
        except (ValueError, ValidationError) as exc:
            return _json({"error": str(exc)}, 400)
        return _json(self.faults.model_dump())


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    raw = msgspec.json.encode(body)
    return web.Response(body=raw, status=status, content_type="application/json")


def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def _stream(request: web.BaseRequest, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for chunk in bodies.chunks(body):
        await response.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


async def _drip(request: web.BaseRequest, raw: bytes) -> web.StreamResponse:
    """A byte a second: only a limit on the whole answer's time ends that."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    for i in range(len(raw)):
        await response.write(raw[i : i + 1])
        await asyncio.sleep(_DRIP_S)
    return response
