"""The table of docs/benchmarks.md is made of reports, between its markers."""

from pathlib import Path

import pytest

from streaming.benchmark.table import BEGIN, END, PAGE, replaced, section

MACHINE = {"system": "Linux x86_64", "cores": 2, "memory_gb": 24.0}


def report(name, settings, *results, day=1):
    return {
        "name": name,
        "measured_at": f"2026-11-0{day}T10:00:00+00:00",
        "settings": settings,
        "versions": {"python": "3.11.7"},
        "machine": MACHINE,
        "results": list(results),
    }


OURS = {"calls_per_s": 49.9, "http_429": 0, "success_rate": 1.0, "cpu_ms_per_call": 2.6}
THEIRS = OURS | {"calls_per_s": 31.2, "http_429": 80}


def test_ours_and_the_peers_stand_in_one_table_with_day_machine_and_versions():
    text = section(
        [
            report(
                "scheduler",
                {"limit_per_s": 50.0},
                OURS | {"instances": 1},
                THEIRS | {"peer": "litellm", "version": "1.2", "setting": "defaults"},
                day=2,
            ),
            report(
                "tasks",
                {},
                {
                    "engine": "flink",
                    "gate": False,
                    "messages_per_s": 61000,
                    "latency_ms": None,
                    "cpu_us_per_message": 30.1,
                    "tasks_twice": 0,
                },
            ),
            report("a benchmark that has no row", {}, {"figure": 1}),
        ]
    )
    lines = text.splitlines()
    assert "| scheduler | Trafficmon, 1 instance, 50 calls/s allowed | 49.9 calls/s" in lines[2]
    assert "litellm 1.2, defaults" in lines[3]
    assert lines[3].endswith("| 2026-11-02 |")
    assert "| tasks | flink | 61,000 messages/s, P95 – ms" in lines[4]
    assert lines[-1] == "Linux x86_64, 2 cores, 24 GB; python 3.11.7."


def test_only_what_lies_between_the_markers_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replaced(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="begin"):
        replaced("no markers", "new")


def test_the_page_has_the_markers():
    assert replaced((Path(__file__).parents[3] / PAGE).read_text(encoding="utf-8"), "new")
