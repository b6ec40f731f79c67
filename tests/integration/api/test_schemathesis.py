"""Requests made up from the OpenAPI document: none is answered by a 5xx."""

import asyncio
from datetime import UTC, datetime

import pytest

from streaming import redis_keys
from streaming.api.state import STATE
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from tests.needs import ROOT

SCHEMATHESIS = ROOT / ".venv-schemathesis/bin/st"

pytestmark = pytest.mark.needs("schemathesis")


async def test_no_request_makes_the_server_fail(client, world, store):
    world.show("m1", "high")
    await client.app[STATE].vitals.look_at_kafka()
    # Without a key that may be used, health is 503 by intent.
    keys = (KeyStats("key_1", "available", 1, 1),)
    stats = InstanceStats("1", datetime.now(UTC).timestamp() + 3600, keys)
    store.hset(redis_keys.key_stats(POOL), "1", encode_instance(stats))
    process = await asyncio.create_subprocess_exec(
        str(SCHEMATHESIS), "run", str(client.make_url("/api/openapi.json")),
        "--checks", "not_a_server_error", "--max-examples", "60", "--seed", "1", "--no-color",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(240):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-4000:]
