"""The figures of each report, worked out by hand, on a real lake of a few rows."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming.lake import portions
from streaming.messages import Failure, Latency, SkippedGroup, Usage
from tests.builders import assessment_task, detection_result, risk_assessment, skipped_groups
from tests.unit.lake.rows import bring
from trafficmon_dagster.defs.reports import (
    camera_report,
    cost_report,
    latency_report,
    risk_report,
    slo_report,
    success_rate_report,
)
from trafficmon_dagster.defs.reports.slo_report import Budget
from trafficmon_dagster.defs.reports.window import Window

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def window(hours=24, now_hours=30.0):
    start = DAY.replace(tzinfo=None)
    hour = timedelta(hours=1)
    return Window(start, start + hours * hour, "UTC", start + now_hours * hour)


def verdicts(lake, *each):
    """One verdict a mapping of fields, a second apart."""
    found = [
        risk_assessment(
            **{"message_id": f"m{n}", "captured_at": DAY + timedelta(seconds=n)} | fields
        )
        for n, fields in enumerate(each)
    ]
    bring(lake, "assessments", *found)


def rows(report, name):
    (table,) = (table for table in report.tables if table.name == name)
    return [tuple(row) for row in table.rows]


@pytest.fixture
def hundred_tasks(lake):
    """Of two cameras; 90 assessed in 101 to 190 ms, 6 expired, 4 failed."""
    about = [
        {
            "message_id": f"m{n}",
            "camera_id": str(1 + n % 2),
            "captured_at": DAY + timedelta(seconds=n),
        }
        for n in range(100)
    ]
    bring(lake, "detections", *(detection_result(**fields) for fields in about))
    bring(lake, "tasks", *(assessment_task(**fields) for fields in about))
    busy = Failure(type="unavailable", message="the provider answered 503")
    ends = [("assessed", None)] * 90 + [("expired", None)] * 6 + [("failed", busy)] * 4
    verdicts(
        lake,
        *(
            fields
            | {"status": status, "error": error}
            | {"latency": Latency(queue_ms=5.0, llm_ms=20.0, end_to_end_ms=101.0 + n)}
            for n, (fields, (status, error)) in enumerate(zip(about, ends, strict=True))
        ),
    )
    return lake


def test_latency_has_percentiles_of_assessed_tasks_by_stage_camera_and_model(
    hundred_tasks, settings
):
    report = latency_report.figures(hundred_tasks, window(hours=1), settings)

    numbers = report.measured
    assert numbers["tasks"] == 90
    assert numbers["p50_ms"] == pytest.approx(145.5)
    assert numbers["p95_ms"] == pytest.approx(185.55)
    assert numbers["p99_ms"] == pytest.approx(189.11)
    stages = {row[0]: row[1:3] for row in rows(report, "by_stage")}
    assert stages["detection"] == (90, pytest.approx(40))
    assert stages["tasks"] == (90, pytest.approx(10))
    assert [row[:3] for row in rows(report, "by_camera")] == [("1", 50, 0.9), ("2", 50, 0.9)]
    assert rows(report, "by_model") == [("qwen-vl-plus", 90, 20.0, 20.0, 20.0)]
    assert "within the limit of 2,500 ms" in report.summary


@pytest.mark.parametrize(
    "report",
    [cost_report, latency_report, risk_report, slo_report, success_rate_report],
    ids=lambda report: report.__name__.rpartition(".")[2],
)
def test_a_large_day_is_gathered_in_parts_and_every_task_counts_once(
    hundred_tasks, settings, monkeypatch, report
):
    day = window()
    whole = report.figures(hundred_tasks, day, settings)
    monkeypatch.setattr(portions, "PORTION_TASKS", 7)
    assert report.figures(hundred_tasks, day, settings) == whole


def test_the_success_rate_counts_each_end_and_says_why(hundred_tasks, settings):
    report = success_rate_report.figures(hundred_tasks, window(hours=1), settings)

    assert report.summary == "90.0\u00a0% of 100 tasks were assessed; 6 expired, 4 failed."
    assert report.measured["success_rate"] == 0.9
    assert [row[:4] for row in rows(report, "causes")] == [
        ("expired", "?", 6, 0.06),
        ("failed", "unavailable", 4, 0.04),
    ]
    assert rows(report, "by_camera")[0] == ("1", 50, 45, 3, 2, 0.9)


def test_cost_is_what_was_spent_wasted_and_saved(lake, settings):
    spent = Usage(prompt_tokens=420, completion_tokens=60, cost=0.002)
    lost = Usage(prompt_tokens=420, completion_tokens=60, cost=0.001)
    verdicts(
        lake,
        {"usage": spent, "attempts": 1},
        {"usage": spent, "attempts": 2},
        {"usage": spent, "attempts": 1, "key_id": "key_2"},
        {"usage": lost, "attempts": 1, "status": "failed"},
    )
    again = SkippedGroup(0, "repeat", "m0:0"), SkippedGroup(1, "repeat", "m0:0")
    bring(lake, "skipped", skipped_groups(captured_at=DAY, skipped=again))

    report = cost_report.figures(lake, window(), settings)

    assert report.measured == {
        "cost": 0.007,
        "cost_per_1000_verdicts": 2.333333,  # 0.007 for 3 verdicts
        "cost_without_verdict": 0.001,
        "cost_saved": 0.0028,  # two groups at 0.007 / 5 a call
        "calls": 5,
        "tokens": 1920,
        "tokens_per_call": 384,
    }
    assert [row[:3] for row in rows(report, "by_key")] == [("key_1", 2, 4), ("key_2", 1, 1)]


def test_a_day_without_a_price_says_which_setting_has_it(lake, settings):
    verdicts(lake, {"usage": Usage(prompt_tokens=1, completion_tokens=1, cost=0.0)})

    report = cost_report.figures(lake, window(), settings)

    assert "provider.price_per_1k_prompt_tokens" in report.summary


def test_a_camera_is_offline_where_no_frame_came(lake, settings):
    def frames(camera_id, *minutes):
        return [
            detection_result(
                message_id=f"c{camera_id}-{m}",
                camera_id=camera_id,
                captured_at=DAY + timedelta(minutes=m),
            )
            for m in minutes
        ]

    every_10_s = [n / 6 for n in range(361)]
    bring(
        lake,
        "detections",
        # A pause of ten minutes; gone since 00:40; last seen yesterday.
        *frames("1", *(m for m in every_10_s if not 20 < m < 30)),
        *frames("2", *(m for m in every_10_s if 30 <= m <= 40)),
        *frames("3", -60),
    )

    verdicts(lake, {"risk_level": "high", "captured_at": DAY + timedelta(hours=23.9999)})

    report = camera_report.figures(lake, window(now_hours=1), settings)

    assert [(r[0], r[1], pytest.approx(r[2])) for r in rows(report, "by_camera")] == [
        ("1", None, 5 / 6),
        ("2", None, 1 / 3),
        ("3", None, 0.0),
    ]
    assert [(r[0], r[3]) for r in rows(report, "offline_spells")] == [
        ("3", 3600),
        ("2", 1200),
        ("1", 600),
    ]
    assert [r[2] is None for r in rows(report, "offline_spells")] == [True, True, False]
    assert report.measured["offline_now"] == 2
    assert [r[-1] for r in rows(report, "by_camera")] == [1, 0, 0]


def test_risk_is_told_by_type_place_and_day(lake, settings):
    verdicts(
        lake,
        {"risk_level": "high", "risk_types": ("闯红灯", "人车冲突")},
        {"risk_level": "high", "risk_types": ("闯红灯", "人车冲突")},
        {"risk_level": "medium", "risk_types": ("闯红灯",), "camera_id": "2"},
        {"risk_level": "none", "risk_types": (), "camera_id": "2"},
        {"status": "failed", "camera_id": "2"},
        {"risk_level": "high", "captured_at": DAY - timedelta(hours=2)},
    )

    report = risk_report.figures(lake, window(), settings)

    assert report.measured["share_of_medium_and_high"] == 0.6
    assert [row[:5] for row in rows(report, "types")] == [
        ("闯红灯", 2, 1, 1.0, 2),
        ("人车冲突", 2, 0, pytest.approx(2 / 3), 1),
    ]
    assert [(r[0], *r[2:]) for r in rows(report, "hot_spots")] == [
        ("1", 2, 0, 0, 0, 0, 1.0),
        ("2", 0, 1, 0, 1, 1, pytest.approx(1 / 3)),
    ]
    assert rows(report, "trend") == [
        ("2026-11-23", 5, 2, 1, 0, 1, 1),
        ("2026-11-22", 1, 1, 0, 0, 0, 0),
    ]


def test_the_error_budget_is_what_may_still_go_wrong(lake, settings):
    ms = [1000.0] * 16 + [3000.0] * 2 + [500.0] * 2
    ends = ["assessed"] * 18 + ["failed"] * 2
    verdicts(
        lake,
        *(
            {"status": end, "latency": Latency(queue_ms=0.0, llm_ms=0.0, end_to_end_ms=n)}
            for n, end in zip(ms, ends, strict=True)
        ),
        # The day before: all well.
        *({"captured_at": DAY - timedelta(minutes=n + 1)} for n in range(20)),
    )

    report = slo_report.figures(lake, window(), settings)

    # 5 % of 18 assessed may be slow, 2 are; 5 % of 20 tasks may fail, 2 did.
    latency, errors = rows(report, "objectives")
    assert latency[3:] == ("no", 2, pytest.approx(2 / 0.9), -2, pytest.approx(2 / 1.9), -1)
    assert errors[3:] == ("no", 2, pytest.approx(2.0), -1, pytest.approx(1.0), 0)
    assert report.summary == "Missed: latency and errors."
    assert report.measured["error_rate"] == 0.1


@pytest.mark.parametrize(
    ("budget", "used", "left"),
    [
        (Budget(tasks=0, bad=0, allowed=0.05), None, 0),
        (Budget(tasks=100, bad=0, allowed=0.05), 0.0, 5),
        (Budget(tasks=100, bad=5, allowed=0.05), 1.0, 0),
        (Budget(tasks=100, bad=8, allowed=0.05), 1.6, -3),
        (Budget(tasks=100, bad=1, allowed=0.0), 1.0, -1),
    ],
)
def test_a_budget(budget, used, left):
    assert (budget.used, budget.left) == (used, left)
