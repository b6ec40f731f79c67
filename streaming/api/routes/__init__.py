"""The HTTP addresses, a module a subject; `all_routes` is what the app and its OpenAPI serve."""

from aiohttp import web

from streaming.api.routes import alerts, cameras, health, images, metrics, scheduler, session


def all_routes() -> list[web.RouteDef]:
    """Every address but the wall, `/ws` and `/api/openapi.json` itself."""
    modules = (health, scheduler, cameras, images, alerts, session, metrics)
    return [route for module in modules for route in module.ROUTES]
