"""The OpenAPI document says what is served, and docs/api.md too."""

import json
from pathlib import Path

import pytest

from streaming.api.app import build
from streaming.api.openapi import document
from streaming.settings import Settings

_NOT_DESCRIBED = {"/", "/ws", "/wall", "/api/openapi.json"}


def served() -> set[tuple[str, str]]:
    app = build(Settings())
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource.canonical not in _NOT_DESCRIBED
    }


def described() -> set[tuple[str, str]]:
    return {(m.upper(), path) for path, methods in document()["paths"].items() for m in methods}


def test_every_route_is_described_and_nothing_else():
    assert described() == served()


def test_the_document_is_json_and_its_references_resolve():
    text = json.dumps(document())
    schemas = document()["components"]["schemas"]
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.split('"')[0] in schemas
    ids = [op["operationId"] for ops in document()["paths"].values() for op in ops.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", sorted({path for _, path in described()} | {"/ws", "/"}))
def test_every_route_is_in_the_manual(path):
    manual = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    assert f"`{path}`" in manual or f" {path}`" in manual
