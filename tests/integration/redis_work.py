"""Everything that our programs ask of Redis, as they ask it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import redis.asyncio

from streaming import redis_keys
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.alert_store import OPEN_ALERTS
from streaming.aggregation.frame_store import OPEN_FRAMES, Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore, verdicts_key
from streaming.api.alert_book import AlertBook, AlertFilter
from streaming.api.app import _cancelled
from streaming.api.bulletin import tell_that_we_live
from streaming.api.cameras import Cameras
from streaming.api.live import Live
from streaming.api.vitals import Vitals
from streaming.detection.camera_state import CameraState
from streaming.detection.roster import CameraSpec
from streaming.detection.status_board import StatusBoard
from streaming.images import AsyncImageStore, ImageStore
from streaming.messages import Frame, encode
from streaming.metrics import Metrics
from streaming.redis_client import connect, connect_async
from streaming.scheduling.batches import batches
from streaming.scheduling.budget import Budget, Pacing
from streaming.scheduling.limits import Wanted
from streaming.scheduling.recall import BatchedImages, FinishedTasks
from streaming.scheduling.redis_limits import RedisLimits
from streaming.scheduling.stats import POOL
from streaming.settings import RedisSettings, Settings, Topic, load
from tests.builders import detection_result, risk_assessment
from tests.waiting import eventually_async

JPEG = b"\xff\xd8\xff\xe0 a picture"
NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
TASKS = Topic(name="assessment-tasks", retention_ms=60_000)


def do_everything(where: RedisSettings) -> None:
    """Each program's work, whose outcome is checked.

    Raises:
        redis.RedisError, RedisUnreachable: something of it was refused.
    """
    settings = load(environ={"CAMERAS": "synthetic://junction"}).model_copy(update={"redis": where})
    ref = detect(where)
    aggregate(where, ref)
    asyncio.run(schedule(where, ref))
    asyncio.run(serve(settings, ref))


def detect(where: RedisSettings) -> str:
    with connect(where) as client:
        store = ImageStore(client, 300)
        (ref, _) = store.put_all([JPEG, b"another"])
        assert store.get(ref) == JPEG
        board = StatusBoard(client, "worker-1", Metrics())
        board.changed(CameraSpec("1", "Harbour", "rtsp://h/1", 1.8), CameraState("online", NOW))
        board._write()
        client.eval("return 1", 1, redis_keys.CAMERAS_STATUS)
        board.forget(["2"])
        return ref


def aggregate(where: RedisSettings, ref: str) -> None:
    with connect(where) as client:
        live = LiveStore(client)
        assert live.camera_names() == {"1": "Harbour"}
        aggregator = Aggregator(FrameStore(client, 10), live, camera_names={})
        for number in range(3):
            at = NOW + timedelta(seconds=1.8 * number)
            frame = detection_result(
                camera_id="1", message_id=f"m{number}", captured_at=at, frame=Frame(1, 9, 9, ref)
            )
            verdict = risk_assessment(
                camera_id="1", message_id=f"m{number}", captured_at=at, risk_level="high"
            )
            found = [Arrival.of(m, encode(m)) for m in (frame, verdict)]
            aggregator.apply(found[: 1 if number == 2 else 2], at)
        aggregator.give_up_due(NOW + timedelta(seconds=60))
        aggregator.close_alerts(NOW + timedelta(seconds=60))
        assert client.zcard(OPEN_FRAMES) == client.zcard(OPEN_ALERTS) == 0


async def schedule(where: RedisSettings, ref: str) -> None:
    async with connect_async(where) as client:
        sent = batches(client)
        finished = FinishedTasks(sent, TASKS)
        await sent.run("SET", redis_keys.assessed("m:0"), b"result", "PX", 60_000)
        assert await finished.find("m:0") == b"result"
        assert await BatchedImages(sent).get(ref, 1000) == JPEG
        limits = RedisLimits(client, "1", Pacing())
        budgets = {"k": Budget(5, 100, tpm=10_000, in_flight=3), "j": Budget(5, 100)}
        limits.configure({"k": "k", "j": "j"}, budgets)
        await limits.take(Wanted(["j", "k"], "m", tokens=100), 0.0)
        offer = await limits.take(Wanted(["k"], "m", tokens=100), 0.0)
        for slot in offer.slots:
            limits.ended(slot, 50)
            limits.refused(slot, "requests", 0.0, 1.0)
            limits.unused(slot)
        await limits.flush(0.0)
        ahead = RedisLimits(client, "2", Pacing(), redis_now=lambda: time.time() + 1_000)
        ahead.configure({"j": "j"}, budgets)
        await ahead.take(Wanted(["j"], "m"), 0.0)
        assert (await limits.take(Wanted(["j"], "m"), 0.0)).slots  # a clock that was set back
        await limits.come_back(Wanted(["k"], "m", tokens=100), 0.0, expected=1)
        await limits.look("m", 0.0)
        await client.hset(redis_keys.key_stats(POOL), "1", b"{}")
        await client.hget(redis_keys.key_stats(POOL), "1")
        await client.hdel(redis_keys.key_stats(POOL), "1")


async def serve(settings: Settings, ref: str) -> None:
    async with connect_async(settings.redis) as client:
        live = Live(client)
        await live.remember(["1", "2"])
        assert live.newest["1"].message_id == "m2"
        duties = [asyncio.create_task(duty) for duty in (live.follow(), tell_that_we_live(client))]
        try:
            await eventually_async(lambda: live.listening, 2)
            await answer(settings, client, ref)
        finally:
            await _cancelled(duties)


async def answer(settings: Settings, client: redis.asyncio.Redis, ref: str) -> None:
    book = AlertBook(client)
    (alert, *_) = await book.found(AlertFilter())
    acknowledged = await book.acknowledge(alert.id, NOW)
    assert acknowledged
    assert acknowledged.acknowledged
    assert await client.zrevrange(verdicts_key("1"), 0, 10)
    assert await AsyncImageStore(client).get(ref) == JPEG
    vitals = Vitals(settings, client)
    assert (await vitals.checks())["redis"].state == "ok"
    assert (await vitals.scheduler())["total_keys"] == 0
    assert await Cameras(settings, client).listed()
    await client.hgetall(redis_keys.DAEMONS_SEEN)
