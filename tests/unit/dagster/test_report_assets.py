"""Reports as assets: partitions, metadata, files, and what they say of an empty lake."""

import base64
import importlib
import io
import json
import re
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from PIL import Image

from tests.builders import risk_assessment
from tests.unit.lake.rows import bring
from trafficmon_dagster.defs.reports import shapes
from trafficmon_dagster.defs.reports.page import as_html
from trafficmon_dagster.defs.reports.report import Column, Report, Table
from trafficmon_dagster.defs.reports.report_asset import published
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import REPORT_NAMES

NOON = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - the lake's times are UTC without a zone


def materialized(name, trafficmon):
    """The metadata of the partition under way."""
    module = importlib.import_module(f"trafficmon_dagster.defs.reports.{name}_report")
    asset = getattr(module, f"{name}_report")
    result = dg.materialize(
        [asset],
        resources={"trafficmon": trafficmon},
        partition_key=asset.partitions_def.get_last_partition_key(),
    )
    (event,) = result.get_asset_materialization_events()
    return {key: value.value for key, value in event.materialization.metadata.items()}


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_an_empty_lake_has_a_report_that_says_so(name, lake, trafficmon):
    assert re.match("No .* in this time.", materialized(name, trafficmon)["summary"])


@pytest.mark.parametrize("name", [name for name in REPORT_NAMES if name != "camera"])
def test_the_hour_or_day_under_way_has_numbers_tables_and_a_transparent_picture(
    name, lake, trafficmon, settings
):
    bring(lake, "assessments", risk_assessment(captured_at=datetime.now(UTC)))

    shown = materialized(name, trafficmon)

    assert [key for key, value in shown.items() if isinstance(value, float)]
    encoded = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", shown["report"]).group(1)
    png = base64.b64decode(encoded)
    assert len(png) < 60_000
    assert Image.open(io.BytesIO(png)).convert("RGBA").getpixel((2, 2))[3] == 0
    page = (settings.reports_dir / f"{name}.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert not list(settings.reports_dir.rglob(".*"))


def simple(summary):
    day = Column("Day", lambda at: f"{at:%d.%m.}")
    return Report("Some", summary, {"n": 1}, tables=[Table("t", "T", (day,), [(NOON,)])])


def hour(n):
    return Window(*(NOON + timedelta(hours=n + i) for i in (0, 1)), "UTC", NOON)


def test_an_older_hour_made_anew_does_not_take_the_place_of_the_newest(tmp_path):
    published(simple("first"), hour(0), tmp_path, "some", "2026-11-23-12:00")
    published(simple("newest"), hour(1), tmp_path, "some", "2026-11-23-13:00")
    page = published(simple("anew"), hour(0), tmp_path, "some", "2026-11-23-12:00")

    assert page.path == str(tmp_path / "some" / "2026-11-23-1200.html")
    newest = json.loads((tmp_path / "some.json").read_text())
    assert (newest["summary"], newest["until"]) == ("newest", "2026-11-23T14:00:00Z")
    assert "anew" in (tmp_path / "some" / "2026-11-23-1200.json").read_text()
    assert newest["tables"]["t"] == [{"Day": "2026-11-23T12:00:00Z"}]


def test_a_page_escapes_what_it_shows_and_writes_values_as_columns_say():
    page = as_html(simple("<b>"), "today")

    assert "&lt;b&gt;" in page
    assert "<td>23.11.</td>" in page or '<td class="text">23.11.</td>' in page


@pytest.mark.parametrize(
    ("zone", "title"),
    [
        ("UTC", "2026-11-23, 12:00 to 13:00 UTC"),
        ("Asia/Shanghai", "2026-11-23, 20:00 to 21:00 Asia/Shanghai"),
    ],
)
def test_a_window_is_told_on_the_readers_clock(zone, title):
    window = Window(NOON, NOON + timedelta(hours=1), zone, NOON + timedelta(days=1))

    assert window.title == title


def test_no_line_is_drawn_across_a_pause():
    at = [NOON + timedelta(minutes=m) for m in (0, 1, 2, 30, 31)]

    times, places = shapes._with_holes(at)

    assert places == [0, 1, 2, None, 3, 4]
    assert times[3] == NOON + timedelta(minutes=3)
