"""What Prometheus reads of this process."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from streaming.api.state import ApiState, state_of


async def metrics(request: web.Request) -> web.Response:
    """Lag of every consumer group, state of every key, open WebSocket connections."""
    state = state_of(request)
    await _gather(state)
    body = generate_latest(state.metrics.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _gather(state: ApiState) -> None:
    own = state.metrics
    own.ws_clients.set(len(state.live.clients))
    own.kafka_lag.clear()
    for (group, topic), behind in state.vitals.lag.items():
        own.kafka_lag.labels(group, topic).set(behind)
    own.api_key_status.clear()
    try:
        keys = (await state.vitals.scheduler())["keys"]
    except RedisError:
        return
    for key in keys:
        for status in ("available", "cooling", "disabled"):
            own.api_key_status.labels(key["key_id"], status).set(key["status"] == status)


ROUTES = [web.get("/metrics", metrics)]
