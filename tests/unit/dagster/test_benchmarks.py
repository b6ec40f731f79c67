"""Benchmarks in the lake, their history, and the check that tells a regression."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil
import pytest

from streaming.lake import ask
from streaming.lake.benchmarks import comparable, history, record
from tests.unit.benchmark.pipeline.runs import result
from tests.waiting import eventually
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.benchmarks.benchmark import BenchmarkConfig
from trafficmon_dagster.defs.benchmarks.history import benchmark_history

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def report(day=0, *, cameras=50, cores=2, **changes):
    """A report of a quiet run so many days after the first."""
    more = {"detections_per_s": 60.0, "tasks_per_s": 12.0, "unaccounted": 0, "lag_end": 0}
    more |= {"lag_over_time": [{"at_s": 0.0, "all": 0, "by_group": {}}], "findings": []}
    return {
        "name": "pipeline",
        "measured_at": (NOON + timedelta(days=day)).isoformat(timespec="seconds"),
        "settings": {"cameras": cameras, "duration_s": 600.0, "provider": "simulator"},
        "versions": {"trafficmon": "0.1.0"},
        "machine": {"system": "Linux x86_64", "cores": cores, "memory_gb": 24.0},
        "results": [result(**changes) | more],
    }


@pytest.fixture
def recorded(lake):
    """Five quiet runs of one load on one machine."""
    for day in range(5):
        record(lake, report(day))
    return lake


def checked(trafficmon):
    done = dg.materialize([benchmark_history], resources={"trafficmon": trafficmon})
    (evaluation,) = done.get_asset_check_evaluations()
    (event,) = done.asset_materializations_for_node("benchmark_history")
    return evaluation, {name: value.value for name, value in event.metadata.items()}


def test_a_report_is_a_row_with_its_figures(recorded, settings):
    answer = ask(
        settings,
        "SELECT cameras, round(end_to_end_p50_ms), machine, measured_at::DATE::VARCHAR,"
        " report LIKE '%lag_over_time%' FROM benchmarks ORDER BY measured_at LIMIT 1",
    )
    assert answer.rows == ((50, 883.0, "Linux x86_64, 2 cores, 24 GB", "2026-11-25", False),)
    assert len(history(recorded)) == 5


def test_runs_of_other_loads_and_machines_are_not_compared(recorded):
    record(recorded, report(5, cameras=25))
    record(recorded, report(6, cores=8))
    assert len(comparable(recorded)) == 1
    record(recorded, report(7))
    assert len(comparable(recorded)) == 6


def test_a_run_as_before_passes_and_its_trend_is_shown(recorded, trafficmon):
    evaluation, shown = checked(trafficmon)
    assert evaluation.passed
    assert "compared with 4 earlier runs" in evaluation.description
    assert (shown["runs"], shown["machines"]) == (5, 1)
    assert "### Linux x86_64, 2 cores, 24 GB" in shown["trends"]
    assert "data:image/png;base64," in shown["trends"]


def test_a_run_that_is_worse_beyond_noise_fails_and_says_where(recorded, trafficmon):
    record(recorded, report(5, tasks=330.0))
    evaluation, _ = checked(trafficmon)
    assert not evaluation.passed
    assert "tasks p50: 20 to 330" in evaluation.description


def test_without_a_run_there_is_nothing_to_fail(lake, trafficmon):
    evaluation, shown = checked(trafficmon)
    assert evaluation.passed
    assert shown["trends"] == "No benchmark yet."


def test_the_number_of_cameras_is_asked_for():
    assert BenchmarkConfig.model_fields["cameras"].is_required()
    job = defs.resolve_job_def("benchmark")
    with pytest.raises(dg.DagsterInvalidConfigError, match="cameras"):
        dg.validate_run_config(job, {"ops": {"lake__benchmarks": {"config": {}}}})
    nightly = next(
        s for s in defs.get_repository_def().schedule_defs if s.name == "benchmark_nightly"
    )
    with dg.build_schedule_context(scheduled_execution_time=NOON) as context:
        (request,) = nightly.evaluate_tick(context).run_requests
    assert dg.validate_run_config(job, request.run_config)


ORPHAN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", '''
from trafficmon_dagster.defs.benchmarks.process import end_by_itself
end_by_itself({deadline})
print("ready", flush=True)
time.sleep(300)
'''])
print(child.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("deadline_s", [300.0, 0.0])
def test_the_process_ends_with_its_parent_and_at_its_deadline(deadline_s):
    code = ORPHAN.replace("{deadline}", str(deadline_s))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        child = psutil.Process(int(run.stdout.readline()))
        if deadline_s:
            run.stdout.readline()  # it knows its parent
            run.kill()
        eventually(lambda: not child.is_running() or child.status() == "zombie", timeout_s=60)
        run.kill()
