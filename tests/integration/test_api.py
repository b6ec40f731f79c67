"""HTTP and WebSocket on a real Kafka and a real Redis."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import redis
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from streaming import redis_keys
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.frame_store import Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore
from streaming.api import app as api
from streaming.api import bulletin
from streaming.api.state import STATE
from streaming.embedded.ports import any_free
from streaming.errors import KafkaUnreachable, PortInUse
from streaming.images import ImageStore
from streaming.kafka import admin
from streaming.kafka.cameras import announced
from streaming.messages import CameraCommand, DetectionResult, Frame, encode
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from streaming.settings import Settings
from tests.builders import detection_result, risk_assessment
from tests.waiting import eventually_async

# Redis carries pub/sub across databases: tests that run beside this one must not be heard.
CAMERA = f"api-{os.getpid()}"
JPEG = b"\xff\xd8\xff\xe0 a picture"
TOKEN = "correct-horse-battery"


@pytest.fixture
def settings(make_settings) -> Settings:
    made = make_settings(CAMERAS="synthetic://junction?seed=1")
    admin.ensure_topics(made.kafka)
    return made


@pytest.fixture
def store(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def client(settings) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(api.build(settings))) as made:
        await eventually_async(lambda: made.app[STATE].live.listening)
        yield made


class World:
    """Puts results into Redis as the worker does."""

    def __init__(self, store: redis.Redis) -> None:
        self.redis = store
        self.ref = ImageStore(store, 300).put(JPEG)
        self._aggregator = Aggregator(FrameStore(store, 10), LiveStore(store), camera_names={})
        store.hset(
            redis_keys.CAMERAS_STATUS,
            CAMERA,
            json.dumps({"status": "online", "name": "Harbour", "source": "rtsp://***@x/1"}),
        )

    def show(self, message_id: str = "m1", level: str | None = "high") -> None:
        now = datetime.now(UTC)
        frame = detection_result(
            camera_id=CAMERA, message_id=message_id, captured_at=now,
            frame=Frame(1, 640, 360, self.ref),
        )  # fmt: skip
        messages = [frame]
        if level:
            verdict = risk_assessment(
                camera_id=CAMERA, message_id=message_id, captured_at=now, risk_level=level
            )
            messages.append(verdict)
        self._aggregator.apply(
            [Arrival(message_id, isinstance(m, DetectionResult), encode(m)) for m in messages], now
        )


@pytest.fixture
def world(store) -> World:
    return World(store)


def commands(settings: Settings) -> dict[str, CameraCommand | None]:
    """What is on camera-control; nothing while a broker that just started does not answer."""
    try:
        return announced(settings.kafka)
    except KafkaUnreachable:
        return {}


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
    body = {"id": 9, "source": "rtsp://user:secret@cam.example/1", "name": "Bridge"}
    added = await client.post(path, json=body)
    assert added.status == 201
    assert (await added.json())["data"]["source"] == "rtsp://***@cam.example/1"
    changed = await client.post(path, json=body | {"intervalS": 0.5})
    assert changed.status == 200
    command = await eventually_async(lambda: commands(settings).get("9"))
    assert (command.name, command.interval_s, command.source) == ("Bridge", 0.5, body["source"])
    removed = await client.delete(f"{path}/9")
    assert removed.status == 200
    await eventually_async(lambda: commands(settings).get("9", "") is None)
    assert [c["id"] for c in await data_of(client, path)] == [before[0]["id"]]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"id": "9", "source": "/etc/passwd"}, "address"),
        ({"id": "9", "source": "file:///etc/passwd"}, "address"),
        ({"id": "../9", "source": "rtsp://x/1"}, "letters"),
        ({"id": "9"}, "source"),
        ({"source": "rtsp://x/1"}, "id"),
        ({"id": "9", "source": "rtsp://x/1", "intervalS": 0}, "intervalS"),
        ({"id": "9", "source": "rtsp://x/1", "name": "a\u0000b"}, "name"),
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
    assert all(c["detail"] for c in health["checks"].values())
    assert (health["checks"]["kafka"]["state"], health["status"]) == ("ok", "degraded")
    flat = await (await client.get("/health/health_check")).json()
    assert (flat["status"], flat["redis"]) == ("degraded", "ok")
    text = await (await client.get("/metrics")).text()
    assert 'api_key_status{key_id="key_2",status="cooling"} 1.0' in text


async def test_the_wall_is_served_with_a_strict_policy(client):
    for path in ("/", "/wall/js/main.js", "/wall/css/wall.css", "/api/openapi.json"):
        response = await client.get(path)
        if response.status == 200:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    page = await (await client.get("/")).text()
    assert "Trafficmon" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


class TestWebSocket:
    """The guide's system's protocol."""

    @staticmethod
    async def heard(socket, kind: str, **fields):
        """The next message of a kind (and camera); others are passed over."""
        async with asyncio.timeout(10):
            while True:
                message = await socket.receive()
                assert message.type is WSMsgType.TEXT, message
                body = json.loads(message.data)
                if body["type"] == kind and fields.items() <= body["data"].items():
                    return body["data"]

    async def test_acknowledges_and_answers_a_ping(self, client):
        async with client.ws_connect("/ws") as socket:
            ack = await self.heard(socket, "connection_ack")
            assert ack["clientId"]
            await socket.send_json({"type": "ping"})
            assert await self.heard(socket, "pong") == {}

    async def test_results_come_with_and_without_pictures(self, client, world):
        async with client.ws_connect("/ws") as plain, client.ws_connect("/ws") as pictured:
            await pictured.send_json(
                {"type": "subscribe", "data": {"cameraIds": [CAMERA], "frames": True}}
            )
            await pictured.send_json({"type": "ping"})
            await self.heard(pictured, "pong")
            world.show("m1", "high")
            result = await self.heard(plain, "detection_result", cameraId=CAMERA)
            assert (result["frame"], result["frameUrl"]) == (None, f"/api/images/{world.ref}.jpg")
            assert (result["maxRiskLevel"], result["hasDangerousDriving"]) == ("high", True)
            result = await self.heard(pictured, "detection_result", cameraId=CAMERA)
            assert result["frame"].startswith("data:image/jpeg;base64,")
            alert = await self.heard(plain, "alert", cameraId=CAMERA)
            assert (alert["riskLevel"], alert["cameraName"]) == ("high", "Harbour")
            await client.post(f"/api/alerts/{alert['id']}/acknowledge")
            done = await self.heard(plain, "alert", cameraId=CAMERA)
            assert done["acknowledged"]

    async def test_who_joins_later_gets_what_there_is(self, client, world):
        world.show("m1", "low")
        await eventually_async(lambda: CAMERA in client.app[STATE].live.newest)
        async with client.ws_connect("/ws") as socket:
            result = await self.heard(socket, "detection_result", cameraId=CAMERA)
            assert result["messageId"] == "m1"

    async def test_a_subscription_narrows(self, client, world):
        async with client.ws_connect("/ws") as socket:
            await socket.send_json({"type": "subscribe", "data": {"cameraIds": ["other"]}})
            await socket.send_json({"type": "ping"})
            await self.heard(socket, "pong")
            world.show("m1", "none")
            await eventually_async(lambda: CAMERA in client.app[STATE].live.newest)
            await socket.send_json({"type": "check_camera", "cameraId": CAMERA})
            seen = []
            async with asyncio.timeout(10):
                while "camera_status" not in seen:
                    body = json.loads((await socket.receive()).data)
                    if body["data"].get("cameraId") == CAMERA:
                        seen.append(body["type"])
            assert "detection_result" not in seen

    async def test_streams_are_started_checked_and_stopped(self, client, settings, store):
        async with client.ws_connect("/ws") as socket:
            await socket.send_json(
                {"type": "start_stream", "data": {"cameraId": 12, "rtspUrl": "rtsp://cam/1"}}
            )
            await eventually_async(lambda: "12" in commands(settings))
            state = {"status": "online", "name": "12"}
            store.hset(redis_keys.CAMERAS_STATUS, "12", json.dumps(state))
            assert (await self.heard(socket, "camera_status", cameraId="12", status=1))["message"]
            await socket.send_json({"type": "check_camera", "cameraId": 12})
            await self.heard(socket, "camera_status", cameraId="12", status=1)
            await socket.send_json({"type": "stop_stream", "cameraId": 12})
            stopped = await self.heard(socket, "stream_stopped", cameraId="12")
            assert stopped["reason"]
            await eventually_async(lambda: commands(settings).get("12", "") is None)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            '{"type":"launch"}',
            '{"type":"stop_stream","cameraId":"none"}',
            '{"type":"start_stream","cameraId":"x","rtspUrl":"file:///etc/passwd"}',
            '{"type":"start_stream","cameraId":"../x","rtspUrl":"rtsp://x/1"}',
            '{"type":"start_stream","cameraId":"never-seen"}',
        ],
    )
    async def test_what_makes_no_sense_is_answered_by_error(self, client, text):
        async with client.ws_connect("/ws") as socket:
            await socket.send_str(text)
            assert (await self.heard(socket, "error"))["message"]
            await socket.send_bytes(b"\x00")
            assert "binary" in (await self.heard(socket, "error"))["message"]

    async def test_a_message_too_large_ends_the_connection(self, client):
        async with client.ws_connect("/ws") as socket:
            await socket.send_str("x" * 70_000)
            async with asyncio.timeout(10):
                while not socket.closed:
                    await socket.receive()
            assert socket.close_code == 1009
        await eventually_async(lambda: not client.app[STATE].live.clients)

    async def test_another_sites_page_is_refused(self, client):
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("/ws", origin="http://evil.example")
        assert refused.value.status == 403

    async def test_a_client_that_never_reads_holds_nobody_up(self, client, world):
        deaf = await client.ws_connect("/ws")
        await deaf.send_json({"type": "subscribe", "data": {"frames": True}})
        async with client.ws_connect("/ws") as socket:
            for n in range(30):
                world.show(f"m{n}", None)
            await self.heard(socket, "detection_result", messageId="m29")
        await deaf.close()


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


class TestToken:
    """With a token set, nothing goes without it."""

    @pytest.fixture
    async def guarded(self, make_settings) -> AsyncIterator[TestClient]:
        made = make_settings(TRAFFICMON_SERVING__TOKEN=TOKEN)
        admin.ensure_topics(made.kafka)
        async with TestClient(TestServer(api.build(made))) as client:
            yield client

    @pytest.mark.parametrize("path", ["/api/cameras", "/api/alerts", "/metrics", "/ws"])
    async def test_is_asked_for(self, guarded, path):
        response = await guarded.get(path)
        assert (response.status, (await response.json())["code"]) == (401, 401)
        wrong = await guarded.get(path, headers={"Authorization": "Bearer wrong"})
        assert wrong.status == 401

    @pytest.mark.parametrize("path", ["/", "/health/health_check", "/wall/favicon.svg"])
    async def test_is_not_needed_to_log_in_or_to_probe(self, guarded, path):
        assert (await guarded.get(path)).status == 200

    async def test_lets_in_as_bearer_and_as_cookie(self, guarded):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert (await guarded.get("/api/cameras", headers=headers)).status == 200
        assert (await guarded.post("/api/session", json={"token": "wrong"})).status == 401
        logged_in = await guarded.post("/api/session", json={"token": TOKEN})
        cookie = logged_in.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        async with ClientSession(headers={"Cookie": cookie.split(";")[0]}) as browser:
            assert (await browser.get(guarded.make_url("/api/cameras"))).status == 200
            async with browser.ws_connect(guarded.make_url("/ws")) as socket:
                assert "connection_ack" in (await socket.receive()).data

    async def test_a_stranger_by_another_name_is_refused_without_one(self, client):
        response = await client.get("/api/cameras", headers={"Host": "rebound.example:5000"})
        assert response.status == 403

    async def test_another_sites_page_may_change_nothing(self, client):
        response = await client.delete("/api/cameras/1", headers={"Origin": "http://evil.example"})
        assert response.status == 403
