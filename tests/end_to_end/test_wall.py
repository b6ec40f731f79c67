"""The live wall in a real browser, over the real aggregation and API."""

import asyncio
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from streaming.aggregation.worker import aggregate
from streaming.api import app as api
from streaming.embedded import ports
from streaming.kafka import admin
from streaming.kafka.cameras import announced
from streaming.metrics import Metrics
from streaming.settings import Settings
from tests.end_to_end.wall_feed import Camera, WallFeed, junctions
from tests.needs import program
from tests.waiting import eventually

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def settings(make_settings) -> Settings:
    made: Settings = make_settings(TRAFFICMON_SERVING__API__PORT=str(ports.any_free()))
    admin.ensure_topics(made.kafka)
    return made.model_copy(update={"cameras": ()})


@contextmanager
def in_thread(target, *arguments) -> Iterator[None]:
    """Runs a daemon of ours until the block ends; the last argument stops it."""
    stop = threading.Event()
    thread = threading.Thread(target=target, args=(*arguments, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """The API, reachable from the start of the block to its end."""
    with in_thread(lambda stop: asyncio.run(api.serve(settings, stop))):
        eventually(lambda: answers(settings.serving.api.port))
        yield


def answers(port: int) -> bool:
    """True when something listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def cameras() -> list[Camera]:
    """Painting the ground takes seconds; the scenes go on from test to test."""
    return junctions(3, "wall-")


@pytest.fixture
def feed(settings, cameras) -> Iterator[WallFeed]:
    with (
        in_thread(aggregate, settings, "1", Metrics()),
        WallFeed(settings, cameras, interval_s=0.8) as feed,
    ):
        yield feed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the module; what a page keeps, its context keeps."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(
        locale="en-GB", viewport={"width": 1440, "height": 900}, color_scheme="dark"
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.on(
        "console", lambda m: problems.append(m.text) if m.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if "127.0.0.1" not in r.url else None)
    yield page
    context.close()


def address(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.serving.api.port}/"


def keep(page: Page, name: str) -> None:
    """A screenshot, where TRAFFICMON_SCREENSHOTS names a folder."""
    if folder := os.environ.get("TRAFFICMON_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_an_operator_sees_a_danger_and_acknowledges_it(settings, feed, page, problems):
    with serving(settings):
        open_wall(settings, page)
        tile = page.get_by_role("link", name="Crossing 1")
        expect(tile.locator("img")).to_be_visible()
        expect(tile.locator("rect.object").first).to_be_attached()
        expect(tile.locator("rect.group").first).to_be_attached()
        expect(tile.locator(".badge")).to_contain_text(
            any_of("Calm", "Low", "Medium", "High"), timeout=WAIT_MS
        )
        alert = page.locator(".feed .alert").first
        expect(alert).to_be_visible()
        expect(alert.locator("img")).to_be_visible()
        expect(alert).to_contain_text("% sure")
        key = alert.get_attribute("data-key")
        keep(page, "wall-1440-dark")
        mine = page.locator(f'.feed .alert[data-key="{key}"]')
        mine.get_by_role("button", name="Acknowledge").click()
        expect(mine).to_have_count(0)
        page.get_by_role("group", name="State").get_by_role("button", name="All").click()
        expect(mine).to_contain_text("Acknowledged")
        expect(page.locator("#announcer")).not_to_be_empty()
    assert problems_without_lost_server(problems) == []


def test_a_camera_is_added_and_removed_and_bad_addresses_are_explained(settings, page, problems):
    with serving(settings):
        open_wall(settings, page)
        page.get_by_role("button", name="Add camera").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Id").fill("gate-1")
        dialog.get_by_label("Name").fill("North gate")
        dialog.get_by_label("Address").fill("/etc/passwd")
        dialog.get_by_role("button", name="Add").click()
        expect(dialog.get_by_role("alert")).to_contain_text("rtsp")
        dialog.get_by_label("Address").fill("rtsp://9.9.9.9/1")
        dialog.get_by_role("button", name="Add").click()
        tile = page.get_by_role("link", name="North gate")
        expect(tile).to_be_visible()
        assert announced(settings.kafka)["gate-1"] is not None
        tile.click()
        page.get_by_role("button", name="Remove camera").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove camera").click()
        expect(page.get_by_role("link", name="North gate")).to_have_count(0)
        eventually(lambda: announced(settings.kafka)["gate-1"] is None)
    # The refusal of the bad address is an answer of 400, which browsers log.
    assert [p for p in problems_without_lost_server(problems) if "400" not in p] == []


def test_language_theme_and_pages(settings, feed, page, problems):
    with serving(settings):
        open_wall(settings, page)
        expect(page.locator(".feed .alert").first).to_be_visible()
        page.get_by_role("button", name="切换到中文").click()
        expect(page.get_by_role("heading", name="摄像头")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        page.get_by_role("button", name="浅色主题").click()
        keep(page, "wall-1440-light-zh")
        page.get_by_role("link", name="系统").click()
        expect(page.get_by_text("key_3")).to_be_visible()
        expect(page.locator(".checks")).to_contain_text("Kafka")
        keep(page, "system-1440-light-zh")
        page.reload()
        expect(page.get_by_role("heading", name="系统")).to_be_visible()
        page.get_by_role("button", name="Switch to English").click()
        page.get_by_role("link", name="Alerts").click()
        expect(page.locator(".alert-list .alert").first).to_be_visible()
        keep(page, "alerts-1440-light")
        page.get_by_label("Risk").select_option("high")
        expect(page.locator('.alert-list .alert[data-risk="medium"]')).to_have_count(0)
        page.goto(f"{address(settings)}#/camera/wall-1")
        expect(page.locator(".rows tbody tr").first).to_be_visible()
        expect(page.locator(".screen img")).to_be_visible()
        keep(page, "camera-1440-light")
    assert problems_without_lost_server(problems) == []


def test_the_wall_recovers_from_a_lost_server_by_itself(settings, feed, page):
    with serving(settings):
        open_wall(settings, page)
        expect(page.locator(".tile img").first).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("No connection")
    shown = page.locator(".tile img").first.get_attribute("src")
    with serving(settings):
        expect(page.get_by_role("status")).to_have_text("Live")
        eventually(lambda: page.locator(".tile img").first.get_attribute("src") != shown)


def test_a_protected_wall_asks_for_its_token(settings, page):
    token = SecretStr("correct-horse-battery")
    protected = settings.serving.model_copy(update={"token": token})
    with serving(settings.model_copy(update={"serving": protected})):
        page.goto(address(settings))
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Token").fill("wrong")
        dialog.get_by_role("button", name="Log in").click()
        expect(dialog.get_by_role("alert")).to_contain_text("serving.token")
        dialog.get_by_label("Token").fill(token.get_secret_value())
        dialog.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("status")).to_have_text("Live")
        expect(page.get_by_text("No cameras yet")).to_be_visible()


def test_it_fits_a_phone(settings, feed, browser, problems):
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}, color_scheme="light"
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    with serving(settings):
        for name, part, shown in (
            ("wall", "", ".tile img"),
            ("alerts", "#/alerts", ".alert-list .alert"),
            ("system", "#/system", ".checks li"),
            ("camera", "#/camera/wall-1", ".rows tbody tr"),
        ):
            page.goto(address(settings) + part)
            expect(page.get_by_role("status")).to_have_text("实时")
            expect(page.locator("h1")).to_be_visible()
            expect(page.locator(shown).first).to_be_visible()
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) <= 0
            keep(page, f"{name}-390-light-zh")
    context.close()
    assert problems == []


def open_wall(settings: Settings, page: Page) -> None:
    page.goto(address(settings))
    expect(page.get_by_role("status")).to_have_text("Live")


def any_of(*words: str) -> re.Pattern[str]:
    """Matches any one of these words."""
    return re.compile("|".join(words))


def problems_without_lost_server(problems: list[str]) -> list[str]:
    """The server is stopped before the page is closed, and the page notices."""
    return [p for p in problems if "WebSocket" not in p and "ERR_CONNECTION_REFUSED" not in p]
