"""The documentation's site: built strictly, whole without a network, found by its search."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect, sync_playwright

from tests.needs import program

ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=\"([^\"]*)\"|<link[^>]*\shref=\"([^\"]*)\""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    elsewhere = {
        (page.name, address)
        for page in pages
        for found in LOADED.findall(page.read_text(encoding="utf-8"))
        for address in found
        if re.match(r"(?:https?:)?//", address)
    }
    assert not elsewhere


def test_the_search_has_every_page_once_and_the_chinese_ones(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    places = {entry["location"].split("#")[0] for entry in index["docs"]}
    translated = {f"zh/{path.stem}.html" for path in (ROOT / "docs" / "zh").glob("*.md")}
    assert translated <= places
    assert {place for place in places if place.startswith("zh/")} == translated
    assert "scheduling.html" in places


def test_every_page_is_translated_in_the_navigation():
    class Loader(yaml.SafeLoader):
        """Without mkdocs' own tags."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    config = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)  # noqa: S506
    i18n = next(p["i18n"] for p in config["plugins"] if isinstance(p, dict) and "i18n" in p)
    words = i18n["languages"][1]["nav_translations"].keys()
    titles = {title for section in config["nav"] for title in section} | {
        title
        for section in config["nav"]
        for pages in section.values()
        for page in pages
        if isinstance(page, dict)
        for title in page
    }
    assert titles - {"Dagster"} == words


@pytest.fixture
def browser_page(site):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        browser.close()
    assert not [url for url in asked if url.startswith("http")]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("start", "words", "found"),
    [
        ("index.html", "GCRA", "scheduling.html"),
        ("zh/index.html", "守护进程", "zh/"),
    ],
)
def test_the_search_works_in_a_page_opened_from_a_disk(
    browser_page: Page, site, start, words, found
):
    browser_page.goto((site / start).as_uri())
    box = browser_page.locator(".md-search__input")
    box.click()
    # The index is loaded by a worker; what is typed before that is not looked for.
    meta = browser_page.locator(".md-search-result__meta")
    expect(meta).not_to_be_empty(timeout=30_000)
    box.fill(words)
    box.press("End")  # the search listens to keys
    first = browser_page.locator(".md-search-result__link").first
    expect(first).to_be_visible(timeout=30_000)
    assert found in str(first.get_attribute("href"))
