"""The report on a lake of a few rows, and on one with none."""

import base64
import io
import json
import re
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from PIL import Image

from streaming.messages import Latency
from tests.builders import assessment_task, detection_result, risk_assessment
from tests.unit.lake.rows import bring
from trafficmon_dagster.defs.reports.figures import Moment
from trafficmon_dagster.defs.reports.latency_report import LatencyReportConfig, latency_report
from trafficmon_dagster.defs.reports.plot import _with_holes


@pytest.fixture
def filled(lake):
    """A hundred tasks of two cameras in the last minutes: 90 assessed in 101 to 190 ms."""
    now = datetime.now(UTC)
    about = [
        {
            "message_id": f"m{n}",
            "camera_id": str(1 + n % 2),
            "captured_at": now - timedelta(minutes=5) + timedelta(seconds=n),
        }
        for n in range(100)
    ]
    bring(lake, "detections", *(detection_result(**fields) for fields in about))
    bring(lake, "tasks", *(assessment_task(**fields) for fields in about))
    ends = ["assessed"] * 90 + ["expired"] * 6 + ["failed"] * 4
    verdicts = (
        risk_assessment(
            **fields,
            status=end,
            latency=Latency(queue_ms=5.0, llm_ms=20.0, end_to_end_ms=101.0 + n),
        )
        for n, (fields, end) in enumerate(zip(about, ends, strict=True))
    )
    bring(lake, "assessments", *verdicts)
    return lake


def materialized(trafficmon, **config):
    result = dg.materialize(
        [latency_report],
        resources={"trafficmon": trafficmon},
        run_config=dg.RunConfig(ops={"latency_report": LatencyReportConfig(**config)}),
    )
    (event,) = result.asset_materializations_for_node("latency_report")
    return {name: value.value for name, value in event.metadata.items()}


def test_its_figures_are_numbers_that_the_ui_plots(filled, trafficmon):
    figures = materialized(trafficmon)

    assert figures["rows"] == 100
    assert figures["success_rate"] == 0.9
    assert figures["p50_ms"] == pytest.approx(145.5)
    assert figures["p95_ms"] == pytest.approx(185.55)
    assert figures["p50_ms"] < figures["p95_ms"] < figures["p99_ms"]


def test_it_shows_tables_and_a_transparent_plot(filled, trafficmon):
    page = materialized(trafficmon)["report"]

    assert "100 tasks ended, 90.0\u00a0% assessed" in page
    assert "| 1 | 50 |" in page
    assert "| expired | 6 | 6.0\u00a0% |" in page
    encoded = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page).group(1)
    png = base64.b64decode(encoded)
    assert len(png) < 60_000
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    assert image.getpixel((2, 2))[3] == 0


def test_it_is_a_file_that_needs_nothing_else(filled, trafficmon, settings):
    materialized(trafficmon)

    page = (settings.reports_dir / "latency.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    figures = json.loads((settings.reports_dir / "latency.json").read_text())
    assert figures["ended"] == 100
    assert datetime.fromisoformat(figures["until"]).tzinfo == UTC
    assert [stage["name"] for stage in figures["stages"]][-1] == "end_to_end_ms"
    assert not list(settings.reports_dir.glob(".*"))


def test_it_looks_back_as_far_as_it_is_told(filled, trafficmon):
    assert materialized(trafficmon, hours=0.001)["rows"] == 0


def test_an_empty_lake_has_a_report_that_says_so(lake, trafficmon):
    figures = materialized(trafficmon)

    assert "No task has ended yet" in figures["report"]
    assert figures["rows"] == 0
    assert "p95_ms" not in figures


def test_no_line_is_drawn_across_a_pause():
    noon = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - the lake's times are UTC without a zone
    minutes = [0, 1, 2, 30, 31]
    moments = [Moment(noon + timedelta(minutes=m), 5, 800.0, 900.0) for m in minutes]

    drawn = _with_holes(moments)

    assert [moment.count for moment in drawn] == [5, 5, 5, 0, 5, 5]
    assert drawn[3].at == noon + timedelta(minutes=3)
