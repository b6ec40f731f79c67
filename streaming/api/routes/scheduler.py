"""The key pool, in the guide's shape."""

from dataclasses import asdict

from aiohttp import web

from streaming.api.envelope import answer, ok
from streaming.api.state import state_of
from streaming.api.vitals import keys_check


async def stats(request: web.Request) -> web.Response:
    """Keys by state, calls, success rate, and each key's own."""
    return ok(await state_of(request).vitals.scheduler())


async def health(request: web.Request) -> web.Response:
    """Whether tasks can be judged now, and how many wait; 503 while no key may be used."""
    vitals = state_of(request).vitals
    pool = await vitals.scheduler()
    check = keys_check(pool)
    waiting = sum(n for (group, _), n in vitals.lag.items() if group == "scheduling")
    data = asdict(check) | {
        "instances": pool["instances"],
        "waiting_tasks": pool["waiting_tasks"],
        "lag": waiting,
    }
    return answer(503 if check.state == "down" else 200, check.state, data)


ROUTES = [web.get("/api/scheduler/stats", stats), web.get("/api/scheduler/health", health)]
