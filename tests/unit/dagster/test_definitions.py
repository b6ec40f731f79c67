"""What Dagster loads: all of it, quickly, and with nothing running."""

import ast
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import trafficmon_dagster
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
heavy = {"cv2", "torch", "ultralytics", "openvino", "matplotlib", "pyarrow", "confluent_kafka"}
print(sorted(heavy & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_assets_are_these():
    graph = defs.resolve_asset_graph()

    assert {key.to_user_string() for key in graph.materializable_asset_keys} == {
        "kafka_topics",
        "api_key_health",
        "lake/detections",
        "lake/detected_objects",
        "lake/tasks",
        "lake/assessments",
        "alert_states",
        "latency_report",
    }
    assert {key.to_user_string() for key in graph.external_asset_keys} == {
        "cameras",
        "vision_language_model",
        "kafka/camera-control",
        "kafka/detection-results",
        "kafka/assessment-tasks",
        "kafka/risk-assessment-results",
        "detection_daemon",
        "tasks_daemon",
        "scheduling_daemon",
        "aggregation_daemon",
        "live_wall",
    }


def test_the_report_descends_from_the_cameras():
    graph = defs.resolve_asset_graph()
    report = dg.AssetKey("latency_report")

    ancestors = graph.get_ancestor_asset_keys(report)

    for name in ("cameras", "kafka/detection-results", "vision_language_model", "lake/tasks"):
        assert dg.AssetKey.from_user_string(name) in ancestors


def test_every_asset_says_what_it_is_and_whose():
    graph = defs.resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key


def test_jobs_sensors_and_schedules_are_these_and_run_by_default():
    repository = defs.get_repository_def()

    names = {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"}
    assert names == {
        "first_look",
        "ingestion",
        "provision_topics",
        "reports",
        "upkeep",
        "verify_keys",
    }
    assert {s.name: s.default_status.value for s in repository.sensor_defs} == {
        "messages_wait": "RUNNING",
        "reports_follow_tables": "RUNNING",
    }
    assert {s.name: s.default_status.value for s in repository.schedule_defs} == {
        "upkeep_daily": "RUNNING",
        "verify_keys_hourly": "RUNNING",
    }


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


def test_the_instance_template_is_valid_for_dagster(tmp_path):
    (tmp_path / "dagster.yaml").write_text((PACKAGE / "instance" / "dagster.yaml").read_text())

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
