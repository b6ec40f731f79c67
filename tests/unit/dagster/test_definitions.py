"""What Dagster loads: all of it, quickly, and with nothing running."""

import ast
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import trafficmon_dagster
from tests import dagster_snapshot
from trafficmon_dagster.definitions import defs

PACKAGE = Path(trafficmon_dagster.__file__).parent


def test_the_definitions_are_loadable():
    dg.Definitions.validate_loadable(defs)


def test_loading_them_imports_nothing_heavy_and_opens_no_connection():
    code = """
import socket, sys
def refuse(*_): raise AssertionError("a connection at import")
socket.socket.connect = refuse
import trafficmon_dagster.definitions
heavy = {"cv2", "torch", "ultralytics", "openvino", "matplotlib", "pyarrow", "confluent_kafka",
         "duckdb", "dagster_postgres"}
print(sorted(heavy & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"


def test_assets_checks_jobs_schedules_and_sensors_are_these():
    assert dagster_snapshot.FILE.read_text(encoding="utf-8") == dagster_snapshot.text(), (
        "if that is meant, run `python -m tests.dagster_snapshot`"
    )


def test_reports_descend_from_the_cameras_and_the_model():
    graph = defs.resolve_asset_graph()
    for report in ("latency_report", "camera_report", "capacity_plan"):
        ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(report))
        assert dg.AssetKey("cameras") in ancestors
        assert dg.AssetKey("vision_language_model") in ancestors

    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey("latency_report"))
    for name in ("kafka/detection-results", "detection_daemon", "lake/tasks"):
        assert dg.AssetKey.from_user_string(name) in ancestors


def test_every_asset_says_what_it_is_and_whose():
    graph = defs.resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key


def test_jobs_schedules_and_sensors_say_what_they_do():
    repository = defs.get_repository_def()
    ours = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]

    for one in (*ours, *repository.schedule_defs, *repository.sensor_defs):
        assert one.description, one.name


@pytest.mark.parametrize("job", ["backfill", "benchmark", "migrate", "replay_dead_letters"])
def test_what_is_heavy_or_lasting_wants_one_answer_before_it_starts(job):
    with pytest.raises(dg.DagsterInvalidConfigError, match="Missing required config"):
        dg.validate_run_config(defs.resolve_job_def(job), {})


@pytest.mark.parametrize("job", ["provision_topics", "upkeep", "verify_keys", "ingestion"])
def test_what_is_safe_at_any_time_starts_with_a_click(job):
    assert dg.validate_run_config(defs.resolve_job_def(job), {})


def test_the_table_assets_have_the_columns_of_the_tables():
    from streaming.lake.tables import ASSESSMENTS

    node = defs.resolve_asset_graph().get(dg.AssetKey(["lake", "assessments"]))
    schema = node.metadata["dagster/column_schema"]

    assert [column.name for column in schema.columns] == list(ASSESSMENTS.column_names)
    assert all(column.description for column in schema.columns)


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: f.name)
def test_annotations_are_not_postponed(file):
    """Dagster reads them: `from __future__ import annotations` breaks contexts and configs."""
    imports = [
        node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)
    ]
    assert "__future__" not in {node.module for node in imports}


def test_the_instance_template_is_valid_for_dagster(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text((PACKAGE / "instance" / "dagster.yaml").read_text())

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
