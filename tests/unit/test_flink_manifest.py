"""The manifest for the Flink Kubernetes Operator: what the CRD asks for, and what must agree."""

import json
from pathlib import Path

import pytest
import yaml

from streaming.settings import load
from streaming.tasks import flink

ROOT = Path(__file__).parents[2]
MANIFESTS = {m["kind"]: m for m in yaml.safe_load_all(flink.MANIFEST.read_text())}
DEPLOYMENT = MANIFESTS["FlinkDeployment"]


def test_it_has_what_the_operator_asks_for():
    assert DEPLOYMENT["apiVersion"] == "flink.apache.org/v1beta1"
    spec = DEPLOYMENT["spec"]
    assert {
        "image",
        "flinkVersion",
        "serviceAccount",
        "jobManager",
        "taskManager",
        "job",
    } <= spec.keys()
    assert spec["job"]["upgradeMode"] in {"stateless", "savepoint", "last-state"}
    assert spec["job"]["state"] in {"running", "suspended"}
    for role in ("jobManager", "taskManager"):
        assert {"memory", "cpu"} == spec[role]["resource"].keys()
    assert all(isinstance(v, str) for v in spec["flinkConfiguration"].values())


def test_it_is_as_exact_as_the_local_job():
    configuration = DEPLOYMENT["spec"]["flinkConfiguration"]
    assert configuration["execution.checkpointing.mode"] == "EXACTLY_ONCE"
    assert configuration["execution.checkpointing.interval"] == f"{flink.CHECKPOINT_EVERY_S} s"
    assert configuration["python.execution-mode"] == "process"


def test_what_it_mounts_and_names_is_there():
    pod = DEPLOYMENT["spec"]["podTemplate"]["spec"]
    volumes = {v["name"] for v in pod["volumes"]}
    assert {m["name"] for m in pod["containers"][0]["volumeMounts"]} == volumes
    assert MANIFESTS["ConfigMap"]["metadata"]["name"] == DEPLOYMENT["metadata"]["name"]
    given = json.loads(MANIFESTS["ConfigMap"]["data"]["job.json"]) | flink.fields_of(
        load(environ={})
    )
    # `Job` itself needs Flink; its fields are read where it is written.
    source = (ROOT / "streaming" / "tasks" / "flink_job.py").read_text()
    for name in given:
        assert f"    {name}: " in source, name


@pytest.mark.parametrize(
    "line", ["requirements-flink.lock", "streaming/tasks/decide.py", "streaming/messages"]
)
def test_the_image_has_the_code_that_flink_runs(line):
    assert line in (ROOT / "deployment" / "flink" / "Dockerfile").read_text()


def test_the_code_that_is_sent_to_flink_is_whole(tmp_path):
    code = flink.stage(tmp_path / "code")
    names = {str(p.relative_to(code)) for p in code.rglob("*.py")}
    assert {"streaming/errors.py", "streaming/tracing.py", "streaming/tasks/gate.py"} <= names
    assert "streaming/tasks/worker.py" not in names
