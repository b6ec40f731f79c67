"""The WebSocket on a real Kafka and a real Redis: the protocol of the guide's system."""

import asyncio
import json

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from streaming import redis_keys
from streaming.api.state import STATE
from tests.integration.api.world import CAMERA, commands
from tests.waiting import eventually_async


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
                {"type": "start_stream", "data": {"cameraId": 12, "rtspUrl": "rtsp://9.9.9.9/1"}}
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
            '{"type":"start_stream","cameraId":"../x","rtspUrl":"rtsp://9.9.9.9/1"}',
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
