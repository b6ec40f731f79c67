"""The simulated provider's HTTP side: what came, what it refuses, what it breaks."""

import asyncio
import itertools
import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from pydantic import ValidationError

from streaming.simulator import provider_bodies as bodies
from streaming.simulator.provider_faults import Fault, Faults
from streaming.simulator.provider_limits import AccountCounter
from streaming.simulator.provider_verdict import answer

TASK_HEADER = "x-trafficmon-task"

_MODELS = ("qwen-vl-plus", "qwen-vl-max", "qwen2.5-vl-7b-instruct")
_MAX_REQUEST_BYTES = 32 * 1024 * 1024
_HANG_S = 3600.0
_DRIP_S = 1.0
_HUGE_BYTES = 11_000_000


@dataclass(frozen=True, slots=True)
class SimulatedKey:
    """A key that the simulator knows; keys of one `account` share its limits."""

    id: str
    secret: str
    qps: float
    rpm: int
    account: str


@dataclass(frozen=True, slots=True)
class Latency:
    """Log-normal: the median in ms, and the sigma of the logarithm."""

    median_ms: float
    sigma: float

    def draw_s(self, rng: random.Random) -> float:
        """Seconds that one answer takes."""
        return self.median_ms / 1000 * math.exp(self.sigma * rng.gauss(0, 1))


class Simulator:
    """The provider's state: what came, what it refused, what it will break."""

    def __init__(
        self,
        keys: tuple[SimulatedKey, ...],
        latency: Latency,
        *,
        faults: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.faults = faults or Faults()
        self.latency = latency
        self._keys = {key.secret: key for key in keys}
        self._accounts = {k.account: AccountCounter(k.qps, k.rpm) for k in keys}
        self._rng = random.Random(seed)
        self._numbers = itertools.count(1)
        self._key_calls: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._drawn: Counter[str] = Counter()
        self._arrived: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._begun = time.time()

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_MAX_REQUEST_BYTES, middlewares=[self._counted])
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._models),
                web.get("/healthz", self._health),
                web.get("/stats", self._stats),
                web.get("/faults", self._get_faults),
                web.post("/faults", self._set_faults),
            ]
        )
        return app

    @web.middleware
    async def _counted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if request.path.startswith("/v1/"):
            self._statuses[response.status] += 1
        return response

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        arrived = time.monotonic()
        if self.faults.down:
            self._drawn["down"] += 1
            return self._hang_up(request)
        if self.faults.html:
            return web.Response(text=bodies.HTML_PAGE, content_type="text/html")
        key = self._key(request)
        if key is None or key.id in self.faults.dead_keys:
            self._key_calls[key.id if key else "unknown"] += 1
            return web.json_response(bodies.unknown_key(), status=401)
        self._key_calls[key.id] += 1
        refusal = self._accounts[key.account].arrive(arrived)
        if refusal is not None:
            return web.json_response(bodies.refused(refusal), status=429)
        task_id = request.headers.get(TASK_HEADER)
        if task_id is not None:
            self._arrived[task_id] += 1
        fault = self.faults.draw(self._rng)
        if fault is not None:
            self._drawn[fault] += 1
        return await self._answer(request, fault, task_id)

    async def _answer(
        self, request: web.Request, fault: Fault | None, task_id: str | None
    ) -> web.StreamResponse:
        try:
            asked = msgspec.json.decode(await request.read())
            text, images = _asked(asked)
        except (ValueError, KeyError, TypeError, AttributeError):
            body = bodies.error("The request body is not a chat.", "invalid_parameter_error")
            return web.json_response(body, status=400)
        await asyncio.sleep(_HANG_S if fault == "hang" else self.latency.draw_s(self._rng))
        if fault == "error":
            body = bodies.error("An internal error has occurred.", "internal_error")
            return web.json_response(body, status=500)
        content = bodies.malformed(self._rng) if fault == "malformed" else answer(text)
        tokens = (len(text) // 2 + 1_000 * images, max(1, len(content) // 2))
        model = str(asked.get("model", _MODELS[0]))
        body = bodies.completion(content, model, next(self._numbers), int(time.time()), tokens)
        if asked.get("stream"):
            return await self._stream(request, body)
        raw = msgspec.json.encode(body)
        if self.faults.huge:
            raw += b" " * _HUGE_BYTES
        if fault == "slow":
            return await self._drip(request, raw)
        if task_id is not None:
            self._answered[task_id] += 1
        return web.Response(body=raw, content_type="application/json")

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for chunk in bodies.chunks(body):
            await response.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _drip(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        """A byte a second: only a limit on the whole answer's time ends that."""
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        for i in range(len(raw)):
            await response.write(raw[i : i + 1])
            await asyncio.sleep(_DRIP_S)
        return response

    def _hang_up(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    def _key(self, request: web.Request) -> SimulatedKey | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        return self._keys.get(secret) if scheme.lower() == "bearer" else None

    async def _models(self, request: web.Request) -> web.Response:
        if self.faults.html:
            return web.Response(text=bodies.HTML_PAGE, content_type="text/html")
        key = self._key(request)
        if key is None or key.id in self.faults.dead_keys:
            return web.json_response(bodies.unknown_key(), status=401)
        return web.json_response(bodies.models(_MODELS))

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response(self.stats(with_tasks="tasks" in request.query))

    def stats(self, *, with_tasks: bool = False) -> dict[str, Any]:
        """The provider's own truth. `tasks` (id to answers given) only when asked for."""
        accounts = {name: _account(counter) for name, counter in self._accounts.items()}
        found: dict[str, Any] = {
            "started_at_s": self._begun,
            "calls": self._key_calls.total(),
            "answered": self._statuses[200],
            "http_429": self._statuses[429],
            "statuses": {str(status): n for status, n in sorted(self._statuses.items())},
            "faults": dict(self._drawn),
            "keys": dict(self._key_calls),
            "accounts": accounts,
            "task_ids": len(self._arrived),
            "task_ids_answered": len(self._answered),
            "task_ids_answered_twice": sum(1 for n in self._answered.values() if n > 1),
        }
        if with_tasks:
            found["tasks"] = dict(self._answered)
        return found

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            changes: dict[str, Any] = await request.json()
            self.faults = Faults.model_validate(self.faults.model_dump() | changes)
        except (ValueError, TypeError, ValidationError) as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response(self.faults.model_dump())


def _asked(body: Any) -> tuple[str, int]:
    """All text of a chat, and how many images it shows."""
    texts, images = [], 0
    for message in body["messages"]:
        content = message.get("content") or ""
        if isinstance(content, str):
            texts.append(content)
            continue
        for part in content:
            if part["type"] == "text":
                texts.append(part["text"])
            elif part["type"] == "image_url":
                url = part["image_url"]["url"]
                if not url.startswith(("data:image/", "http://", "https://")):
                    raise ValueError("no image")
                images += 1
    return "\n".join(texts), images


def _account(counter: AccountCounter) -> dict[str, Any]:
    return {
        "qps": counter.qps,
        "rpm": counter.rpm,
        "calls": counter.calls,
        "accepted": counter.accepted,
        "http_429": counter.refused,
        "max_in_a_second": counter.arrivals_second.most,
        "max_in_a_minute": counter.arrivals_minute.most,
    }
