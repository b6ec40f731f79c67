"""The wall with 50 cameras, and what axe-core says of its pages.

axe-core comes from npm (`make axe`); without it those cases are skipped. The longest task of
the page's main thread is logged (`pytest --log-cli-level=INFO`), and asserted nowhere: it is as
long as the machine is busy.
"""

# ruff: noqa: F401, F811 - the wall's fixtures are imported

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import expect

from streaming import redis_keys
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.frame_store import Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore
from streaming.images import ImageStore
from streaming.messages import Detection, Frame, encode
from streaming.redis_client import connect
from streaming.settings import Settings
from streaming.simulator.junction import Junction, JunctionSpec
from tests.builders import detection_result, group, risk_assessment
from tests.end_to_end.test_wall import (
    WAIT_MS,
    browser,
    cameras,
    feed,
    open_wall,
    page,
    problems,
    problems_without_lost_server,
    pytestmark,
    serving,
    settings,
)

log = logging.getLogger(__name__)

AXE = Path(__file__).parents[2] / ".axe/node_modules/axe-core/axe.min.js"
CAMERAS, INTERVAL_S = 50, 1.8
LEVELS = ("none", "low", "none", "medium", "none", "high")

OBSERVE = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({ type: "longtask", buffered: true });
"""


@contextmanager
def fifty_cameras(settings: Settings) -> Iterator[None]:
    """Every camera has a frame each 1.8 s, and its two verdicts with it."""
    stop = threading.Event()
    thread = threading.Thread(target=_show, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def _show(settings: Settings, stop: threading.Event) -> None:
    import cv2

    store, rng = connect(settings.redis), Random(3)
    images = ImageStore(store, 300)
    aggregator = Aggregator(FrameStore(store, 10), LiveStore(store), camera_names={})
    refs = []
    for seed in range(6):
        junction = Junction(JunctionSpec(seed=seed, vehicles=6, pedestrians=4, near_misses=6))
        junction.advance(20.0)
        refs.append(images.put(cv2.imencode(".jpg", junction.render())[1].tobytes()))
    number = 0
    while not stop.wait(INTERVAL_S / CAMERAS):
        number += 1
        camera_id, now = f"c{number % CAMERAS}", datetime.now(UTC)
        state = {
            "status": "online",
            "name": f"Crossing {number % CAMERAS}",
            "updatedAt": now.isoformat(),
        }
        store.hset(redis_keys.CAMERAS_STATUS, camera_id, json.dumps(state))
        aggregator.apply(_messages(camera_id, number, now, refs[number % len(refs)], rng), now)
    store.close()


def _messages(camera_id: str, number: int, now: datetime, ref: str, rng: Random) -> list[Arrival]:
    users = []
    for index in range(8):
        left, top = rng.uniform(0, 560), rng.uniform(0, 300)
        users.append(Detection(index, "car", 2, 0.8, (left, top, left + 50, top + 35)))
    places = tuple(
        group(group_index=i, member_object_ids=(i, i + 2), crop_ref=ref) for i in range(2)
    )
    frame = detection_result(
        camera_id=camera_id, message_id=f"{camera_id}-{number}", captured_at=now,
        frame=Frame(number, 640, 360, ref), detections=tuple(users), groups=places,
    )  # fmt: skip
    verdicts = [
        risk_assessment(
            camera_id=camera_id, message_id=frame.message_id, captured_at=now, group_index=i,
            group_count=2, risk_level=LEVELS[(number // CAMERAS + number) % len(LEVELS)],
        )
        for i in range(2)
    ]  # fmt: skip
    return [Arrival.of(m, encode(m)) for m in (frame, *verdicts)]


def test_fifty_cameras_are_shown_and_only_pictures_in_view_are_fetched(
    settings,
    page,
    problems,
):
    fetched: list[str] = []
    page.on("request", lambda r: fetched.append(r.url) if "/api/images/" in r.url else None)
    page.add_init_script(OBSERVE)
    with fifty_cameras(settings), serving(settings):
        open_wall(settings, page)
        # Painting the six pictures comes first.
        expect(page.locator(".tile")).to_have_count(CAMERAS, timeout=3 * WAIT_MS)
        expect(page.locator(".tile .screen.has-picture").first).to_be_visible()
        page.wait_for_timeout(2_000 * INTERVAL_S)  # each camera has two more frames meanwhile
        out_of_view = page.locator(".tile").last
        expect(out_of_view).not_to_be_in_viewport()
        assert out_of_view.locator("img").count() == 0
        out_of_view.scroll_into_view_if_needed()
        expect(out_of_view.locator("img")).to_be_visible()
        longest_ms = page.evaluate("window.longest")
    assert fetched
    assert problems_without_lost_server(problems) == []
    log.info("longest task of the page's main thread: %.0f ms", longest_ms)


@pytest.mark.needs("axe")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious(settings, feed, page, theme):
    page.emulate_media(color_scheme=theme)
    with serving(settings):
        for part in ("", "#/alerts", "#/system", "#/camera/wall-1"):
            open_wall(settings, page)
            page.evaluate("part => { location.hash = part; }", part)
            expect(page.locator("h1").first).to_be_visible()
            expect(page.locator(".alert, .checks li, .screen img").first).to_be_visible()
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            serious = [
                (v["id"], [n["target"] for n in v["nodes"]][:5])
                for v in found
                if v["impact"] in {"serious", "critical"}
            ]
            assert serious == [], part
