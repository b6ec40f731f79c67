"""20,000 frames that make no sense: each is answered by `error`, and the server lives."""

import asyncio
import json
from random import Random

from aiohttp import WSMsgType

from streaming.api import protocol, websocket
from streaming.api.state import STATE
from tests.waiting import eventually_async

FRAMES, AT_ONCE = 20_000, 500
SENSIBLE = [
    {"type": "ping"},
    {"type": "subscribe", "data": {"cameraIds": ["1", 2], "frames": True, "system": False}},
    {"type": "start_stream", "data": {"cameraId": 12, "rtspUrl": "rtsp://9.9.9.9/1"}},
    {"type": "stop_stream", "cameraId": "x"},
    {"type": "check_camera", "data": {"cameraId": "12"}},
]
VALUES = [None, True, -1, 1e308, "", "\u0000", "\ud83d\ude00", [], {}, [[[[]]]], "x" * 3000, 2**70]


def senseless(rng: Random) -> str:
    """Text that the protocol refuses: broken JSON, wrong types, unknown kinds, rubbish."""
    while True:
        text = rng.choice([_broken, _wrong, _rubbish, _deep])(rng)
        try:
            protocol.read(text)
        except protocol.BadRequest:
            return text


def _broken(rng: Random) -> str:
    text = list(json.dumps(rng.choice(SENSIBLE)))
    for _ in range(rng.randrange(1, 6)):
        text[rng.randrange(len(text))] = chr(
            rng.choice([34, 44, 58, 91, 123, 125, rng.randrange(1, 0xD7FF)])
        )
    return "".join(text)


def _wrong(rng: Random) -> str:
    frame = json.loads(json.dumps(rng.choice(SENSIBLE)))
    place = frame.get("data", frame) if rng.random() < 0.7 else frame
    place[rng.choice([*place, "more"])] = rng.choice(VALUES)
    return json.dumps(frame)


def _rubbish(rng: Random) -> str:
    return "".join(chr(rng.randrange(0xD7FF)) for _ in range(rng.randrange(200)))


def _deep(rng: Random) -> str:
    depth = rng.choice([10, 1_000, 20_000])
    return rng.choice(["[" * depth, '{"data":' * depth, "[" * depth + "]" * depth])[:60_000]


async def test_twenty_thousand_senseless_frames(client, monkeypatch):
    monkeypatch.setattr(websocket, "_MESSAGES_PER_S", FRAMES)
    rng = Random(7)
    answered = 0
    async with client.ws_connect("/ws") as socket, asyncio.timeout(120):
        while answered < FRAMES:
            for n in range(AT_ONCE):
                if n % 50:
                    await socket.send_str(senseless(rng))
                else:
                    await socket.send_bytes(rng.randbytes(rng.randrange(100)))
            errors = 0
            while errors < AT_ONCE:
                message = await socket.receive()
                assert message.type is WSMsgType.TEXT, message
                body = json.loads(message.data)
                if body["type"] == "error":
                    assert body["data"]["message"]
                    errors += 1
            answered += errors
        await socket.send_json({"type": "ping"})
        async with asyncio.timeout(10):
            while json.loads((await socket.receive()).data)["type"] != "pong":
                pass
    await eventually_async(lambda: not client.app[STATE].live.clients)
