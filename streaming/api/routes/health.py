"""Is everything there: the guide's `/api/health/health_check`, and a flat form for probes."""

from dataclasses import asdict

from aiohttp import web

from streaming.api.envelope import answer
from streaming.api.state import state_of
from streaming.api.vitals import worst


async def health_check(request: web.Request) -> web.Response:
    """Each part with its state and detail; 503 while Kafka or Redis is down."""
    checks = await state_of(request).vitals.checks()
    status = worst(checks)
    data = {"status": status, "checks": {name: asdict(check) for name, check in checks.items()}}
    return answer(503 if status == "down" else 200, status, data)


async def flat_health_check(request: web.Request) -> web.Response:
    """`{"status": …, "kafka": …, …}` for probes that read no envelope; needs no token."""
    checks = await state_of(request).vitals.checks()
    status = worst(checks)
    flat = {"status": status} | {name: check.state for name, check in checks.items()}
    return web.json_response(flat, status=503 if status == "down" else 200)


ROUTES = [
    web.get("/api/health/health_check", health_check),
    web.get("/health/health_check", flat_health_check),
]
