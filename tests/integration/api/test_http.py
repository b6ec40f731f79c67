"""The HTTP routes on a real Kafka and a real Redis."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streaming import redis_keys
from streaming.api import app as api
from streaming.api import bulletin
from streaming.api.state import STATE
from streaming.embedded.ports import any_free
from streaming.errors import PortInUse
from streaming.kafka import admin
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from tests.integration.api.world import CAMERA, JPEG, commands
from tests.waiting import eventually_async


async def data_of(client: TestClient, path: str, status: int = 200):
    response = await client.get(path)
    body = await response.json()
    assert (response.status, body["code"]) == (status, status), body
    return body["data"]


async def test_a_cameras_newest_result_and_picture(client, world):
    world.show("m1", "low")
    world.show("m2", None)
    found = await data_of(client, f"/api/cameras/{CAMERA}/latest")
    assert (found["frame"]["messageId"], found["frame"]["state"]) == ("m2", "pending")
    assert (found["verdict"]["messageId"], found["verdict"]["maxRiskLevel"]) == ("m1", "low")
    for path in (f"/api/cameras/{CAMERA}/frame.jpg", f"/api/images/{world.ref}.jpg"):
        response = await client.get(path)
        assert (response.content_type, await response.read()) == ("image/jpeg", JPEG)
    (verdict,) = await data_of(client, f"/api/cameras/{CAMERA}/history")
    assert (verdict["maxRiskLevel"], verdict["groupCount"]) == ("low", 1)


async def test_alerts_are_filtered_paged_and_acknowledged(client, world):
    world.show("m1", "medium")
    page = await data_of(client, "/api/alerts?level=medium&acknowledged=false")
    (alert,) = page["items"]
    assert (await data_of(client, "/api/alerts?open=true"))["total"] == 1
    assert (await data_of(client, "/api/alerts?open=false"))["total"] == 0
    assert (page["total"], alert["cameraId"], alert["acknowledged"]) == (1, CAMERA, False)
    assert (await data_of(client, "/api/alerts?level=high"))["total"] == 0
    assert (await data_of(client, "/api/alerts?cameraId=other"))["total"] == 0
    assert (await data_of(client, "/api/alerts?since=2099-01-01T00:00:00Z"))["total"] == 0
    assert (await data_of(client, "/api/alerts?page=2"))["items"] == []
    done = await client.post(f"/api/alerts/{alert['id']}/acknowledge")
    again = await client.post(f"/api/alerts/{alert['id']}/acknowledge")
    first, second = await done.json(), await again.json()
    assert first["data"]["acknowledged"]
    assert first["data"]["acknowledgedAt"] == second["data"]["acknowledgedAt"]
    assert (await data_of(client, "/api/alerts?acknowledged=false"))["total"] == 0


async def test_a_camera_is_added_changed_and_removed(client, settings):
    path = "/api/cameras"
    before = await data_of(client, path)
    assert [c["source"] for c in before] == ["synthetic://junction?seed=1"]
    body = {"id": 9, "source": "rtsp://user:secret@9.9.9.9/1", "name": "Bridge"}
    added = await client.post(path, json=body)
    assert added.status == 201
    assert (await added.json())["data"]["source"] == "rtsp://***@9.9.9.9/1"
    changed = await client.post(path, json=body | {"intervalS": 0.5})
    assert changed.status == 200
    command = await eventually_async(lambda: commands(settings).get("9"))
    assert (command.name, command.interval_s, command.source) == ("Bridge", 0.5, body["source"])
    patched = await client.patch(f"{path}/9", json={"enabled": False, "notes": "a bridge"})
    assert (await patched.json())["data"]["status"] == "stopped"
    command = await eventually_async(
        lambda: c if (c := commands(settings).get("9")) and not c.enabled else None
    )
    assert (command.name, command.source, command.notes) == ("Bridge", body["source"], "a bridge")
    mask = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]]
    await client.post(path, json=body | {"priority": 80, "notes": "quiet", "privacyMasks": [mask]})
    await client.post(path, json=body | {"source": "rtsp://9.9.9.9/2"})
    moved = commands(settings)["9"]
    assert (moved.source, moved.priority, moved.notes) == ("rtsp://9.9.9.9/2", 80, "quiet")
    assert moved.privacy_masks == (((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)
    removed = await client.delete(f"{path}/9")
    assert removed.status == 200
    await eventually_async(lambda: commands(settings).get("9", "") is None)
    assert [c["id"] for c in await data_of(client, path)] == [before[0]["id"]]


async def test_a_camera_of_the_settings_may_be_changed_too(client, settings):
    (own,) = await data_of(client, "/api/cameras")
    changed = await client.patch(f"/api/cameras/{own['id']}", json={"name": "Harbour"})
    assert (await changed.json())["data"]["name"] == "Harbour"
    assert (await client.patch("/api/cameras/none", json={"name": "x"})).status == 404
    bad = await client.patch(f"/api/cameras/{own['id']}", json={"source": "rtsp://10.0.0.1/1"})
    assert bad.status == 403


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://127.0.0.1/1", "http://169.254.169.254/latest/meta-data", "rtsp://10.0.0.5:554/1",
        "http://localhost:5000/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://2130706433/",
        "rtsp://user@192.168.1.9/1", "http://0.0.0.0/", "rtsp://224.0.0.1/1",
    ],
)  # fmt: skip
async def test_an_address_of_the_inner_network_is_refused(client, source):
    response = await client.post("/api/cameras", json={"id": "9", "source": source})
    assert (response.status, "inner network" in (await response.json())["msg"]) == (403, True)


async def test_an_inner_network_may_be_allowed(make_settings):
    networks = '["10.0.0.0/24"]'
    settings = make_settings(TRAFFICMON_SERVING__CAMERA_NETWORKS=networks)
    admin.ensure_topics(settings.kafka)
    async with TestClient(TestServer(api.build(settings))) as client:
        body = {"id": "9", "source": "rtsp://10.0.0.5/1"}
        assert (await client.post("/api/cameras", json=body)).status == 201
        body["source"] = "rtsp://10.0.1.5/1"
        assert (await client.post("/api/cameras", json=body)).status == 403


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"id": "9", "source": "/etc/passwd"}, "address"),
        ({"id": "9", "source": "file:///etc/passwd"}, "address"),
        ({"id": "../9", "source": "rtsp://9.9.9.9/1"}, "letters"),
        ({"id": "9"}, "source"),
        ({"source": "rtsp://9.9.9.9/1"}, "id"),
        ({"id": "9", "source": "rtsp://9.9.9.9/1", "intervalS": 0}, "intervalS"),
        ({"id": "9", "source": "rtsp://9.9.9.9/1", "name": "a\u0000b"}, "name"),
        ([], "object"),
    ],
)
async def test_a_camera_that_makes_no_sense_is_refused_with_a_reason(client, body, reason):
    response = await client.post("/api/cameras", json=body)
    answer = await response.json()
    assert (response.status, answer["data"]) == (400, None)
    assert reason in answer["msg"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/cameras/none/latest", 404),
        ("DELETE", "/api/cameras/none", 404),
        ("PUT", "/api/cameras", 405),
        ("POST", "/api/alerts/none/acknowledge", 404),
        ("GET", "/api/alerts?page=0", 400),
        ("GET", "/api/alerts?page=x", 400),
        ("GET", "/api/alerts?level=worse", 400),
        ("GET", "/api/alerts?since=yesterday", 400),
        ("GET", "/api/images/../../etc.jpg", 404),
        ("GET", "/api/images/keys.jpg", 404),
        ("GET", "/wall/../app.py", 404),
        ("POST", "/api/cameras", 415),
        ("GET", "/ws", 426),
    ],
)
async def test_errors_are_json_with_a_reason(client, method, path, status):
    response = await client.request(method, path)
    body = await response.json()
    assert (response.status, body["code"], body["data"]) == (status, status, None)
    assert body["msg"]


async def test_a_body_too_large_is_refused(client):
    response = await client.post("/api/cameras", json={"id": "1", "source": "x" * 70_000})
    assert (response.status, (await response.json())["code"]) == (413, 413)


async def test_keys_health_and_metrics(client, store):
    keys = (
        KeyStats("key_1", "available", 48, 47),
        KeyStats("key_2", "cooling", 50, 50, cooldown_left_s=9),
    )
    stats = InstanceStats("1", datetime.now(UTC).timestamp(), keys)
    store.hset(redis_keys.key_stats(POOL), "1", encode_instance(stats))
    found = await data_of(client, "/api/scheduler/stats")
    assert (found["total_keys"], found["available_keys"], found["cooling_keys"]) == (2, 1, 1)
    assert found["total_calls"] == 98
    assert (await data_of(client, "/api/scheduler/health"))["state"] == "warning"
    await client.app[STATE].vitals.look_at_kafka()
    health = await data_of(client, "/api/health/health_check")
    assert set(health["checks"]) == {"kafka", "redis", "keys", "disk", "memory"}
    assert all(c["detail"] and c["figures"] for c in health["checks"].values())
    assert (health["checks"]["kafka"]["state"], health["status"]) == ("ok", "degraded")
    flat = await (await client.get("/health/health_check")).json()
    assert (flat["status"], flat["redis"]) == ("degraded", "ok")
    text = await (await client.get("/metrics")).text()
    assert 'api_key_status{key_id="key_2",status="cooling"} 1.0' in text


async def test_it_tells_redis_that_it_lives(client, store):
    await eventually_async(lambda: store.hget(redis_keys.DAEMONS_SEEN, "api"))
    assert time.time() - float(store.hget(redis_keys.DAEMONS_SEEN, "api")) < 60


async def test_the_wall_is_served_with_a_strict_policy(client):
    for path in ("/", "/wall/js/main.js", "/wall/css/tokens.css", "/api/openapi.json"):
        response = await client.get(path)
        assert response.status == 200, path
        assert "default-src 'none'" in response.headers["Content-Security-Policy"], path
    page = await (await client.get("/")).text()
    assert "Trafficmon" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


async def test_a_background_task_that_fails_ends_the_process(settings, monkeypatch):
    async def fails(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(bulletin, "tell_system", fails)
    free = settings.serving.api.model_copy(update={"port": any_free()})
    serving = settings.serving.model_copy(update={"api": free})
    async with asyncio.timeout(30):
        with pytest.raises(LookupError, match="a bug"):
            await api.serve(settings.model_copy(update={"serving": serving}), threading.Event())


async def test_a_port_in_use_is_named(settings, client):
    taken = settings.serving.api.model_copy(update={"port": client.port})
    serving = settings.serving.model_copy(update={"api": taken})
    with pytest.raises(PortInUse, match=r"serving\.api\.port"):
        await api.serve(settings.model_copy(update={"serving": serving}), threading.Event())
