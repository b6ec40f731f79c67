"""What breaks on a running stack is told once, and once more when it is well again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from streaming.embedded import ports
from streaming.kafka.admin import watermarks
from streaming.kafka.clients import producer
from streaming.lake import ask
from streaming.messages import encode
from streaming.settings import load
from tests.builders import skipped_groups
from tests.receivers import WebhookReceiver
from tests.waiting import eventually
from trafficmon_dagster import launch

ROOT = Path(__file__).parents[2]
SEEN_S = 240.0
RULES = """
alerts:
  resolve_after: 0
  rules:
    - {{name: latency_p95, metric: end_to_end_latency_p95, threshold: 10}}
    - {{name: camera_offline, metric: camera_offline, threshold: 0}}
    - {{name: daemon_silent, metric: daemon_silent, threshold: 0}}
    - {{name: lake_behind, metric: lake_delay, threshold: 300}}
    - {{name: lag, metric: kafka_consumer_lag, threshold: 1, enabled: false}}
    - {{name: errors, metric: error_rate, threshold: 1, enabled: false}}
    - {{name: failures, metric: api_key_failure_rate, threshold: 1, enabled: false}}
  notification_channels:
    - {{type: webhook, config: {{url: "{hook}"}}}}
"""
CAMERAS = """
cameras:
  - {{id: 1, source: "synthetic://junction?seed=1&vehicles=14&pedestrians=8", interval_s: 0.5}}
  - {{id: 2, source: "{folder}", interval_s: 1}}
"""
UP = ("up", "--timeout", "600")
"""A busy machine takes its time until everything is ready."""
BROKEN = {"api_key_disabled", "camera_offline", "daemon_silent", "lake_behind", "latency_p95"}


@pytest.fixture
def hook():
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def stack(tmp_path, hook):
    """A stack of its own, with two cameras: a junction, and a folder of pictures."""
    config, pictures = tmp_path / "config", tmp_path / "pictures"
    config.mkdir()
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.jpg"), np.full((360, 640, 3), 90, np.uint8))
    (config / "monitoring.yaml").write_text(RULES.format(hook=hook.url))
    (config / "cameras.yaml").write_text(CAMERAS.format(folder=pictures))
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("TRAFFICMON_", "DASHSCOPE_"))}
    environ = ours | {
        "TRAFFICMON_CONFIG_DIR": str(config),
        "TRAFFICMON_STATE_DIR": str(tmp_path / "state"),
        "TRAFFICMON_LOGS_DIR": str(tmp_path / "logs"),
        "TRAFFICMON_REPORTS_DIR": str(tmp_path / "reports"),
        "TRAFFICMON_SERVING__API__PORT": str(ports.any_free()),
        "TRAFFICMON_SERVING__DAGSTER__PORT": str(ports.any_free()),
        "TRAFFICMON_SIMULATOR__PORT": str(ports.any_free()),
    }
    started = Stack(environ, config, pictures)
    try:
        started.trafficmon(*UP)
        yield started
    finally:
        started.trafficmon("down")


class Stack:
    """What a person would do to it, from outside."""

    def __init__(self, environ, config, pictures):
        self.environ, self.config, self.pictures = environ, config, pictures

    @property
    def settings(self):
        return load(self.config, self.environ)

    @property
    def dagster(self):
        return f"http://127.0.0.1:{self.settings.serving.dagster.port}"

    def trafficmon(self, *arguments):
        self.python("-m", "streaming.cli", *arguments)

    def stop(self, *programs):
        self.python(
            "-c",
            "from streaming import supervision; from streaming.settings import load;"
            f"supervision.stop(load(), {programs!r})",
        )

    def python(self, *arguments):
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environ, timeout=900, check=True
        )

    def provider(self, **faults):
        self._post(f"http://127.0.0.1:{self.settings.simulator.port}/faults", faults)

    def sensor(self, action, name):
        selector = {
            "repositoryLocationName": "trafficmon",
            "repositoryName": "__repository__",
            "sensorName": name,
        }
        query = (
            "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }"
            if action == "start"
            else "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
        )
        state = self._graphql(
            "query($s: SensorSelector!) { sensorOrError(sensorSelector: $s)"
            " { ... on Sensor { sensorState { id } } } }",
            {"s": selector},
        )["sensorOrError"]["sensorState"]
        return self._graphql(query, {"s": selector} if action == "start" else {"id": state["id"]})

    def observed(self, asset):
        """The alerts that were observed of an asset, newest first."""
        found = self._graphql(
            "query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode"
            " { assetObservations(limit: 20) { description } } } }",
            {"key": {"path": asset.split("/")}},
        )
        return [o["description"] for o in found["assetNodeOrError"]["assetObservations"]]

    def _graphql(self, query, variables):
        answer = self._post(f"{self.dagster}/graphql", {"query": query, "variables": variables})
        assert "errors" not in answer, answer
        return answer["data"]

    def _post(self, url, body):
        answer = requests.post(url, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


def an_old_message_that_the_lake_has_not_read(settings):
    out = producer(settings.kafka, client_id="test")
    topic = settings.kafka.topics.skipped_groups.name
    ends = watermarks(settings.kafka, [topic])
    # Times rise within a partition: one that has nothing newer yet.
    empty = next(partition for (_, partition), (_, high) in ends.items() if high == 0)
    written_ms = int((time.time() - 600) * 1000)
    out.produce(topic, encode(skipped_groups()), partition=empty, timestamp=written_ms)
    assert out.flush(60) == 0


def test_whatever_breaks_is_told_once_and_once_more_when_it_is_well(stack, hook):
    def told(state):
        return {rule for rule, was in hook.alerts if was == state}

    launch.run_job(stack.dagster, "ingestion", SEEN_S)
    stack.sensor("stop", "messages_wait")
    an_old_message_that_the_lake_has_not_read(stack.settings)
    stack.provider(added_latency_s=11.0, dead_keys=["sim-2"])
    moved = stack.pictures.rename(stack.pictures.with_name("gone"))
    while_it_runs = BROKEN - {"daemon_silent"}
    eventually(lambda: told("firing") >= while_it_runs, SEEN_S)
    stack.provider(added_latency_s=0.0, dead_keys=[])
    # Both, so that no tasks grow old meanwhile and make the next verdicts late.
    stack.stop("detection", "scheduling")
    eventually(lambda: told("firing") >= BROKEN, SEEN_S)

    moved.rename(stack.pictures)
    stack.trafficmon(*UP)
    stack.sensor("start", "messages_wait")
    launch.run_job(stack.dagster, "ingestion", SEEN_S)
    eventually(lambda: told("resolved") >= BROKEN, SEEN_S)

    alerts = [a["id"] for body in hook.bodies for a in body["alerts"] if a["state"] == "firing"]
    ours = [alert for alert in alerts if alert.split("{")[0] in BROKEN]
    assert len(ours) == len(set(ours)), hook.alerts
    assert "api_key_disabled{key=sim-2}" in ours
    assert any(d.startswith("resolved: ") for d in stack.observed("scheduling_daemon"))
    assert any("camera 2" in d for d in stack.observed("cameras"))
    rows = ask(stack.settings, "SELECT DISTINCT rule FROM alerts WHERE state = 'firing'").rows
    assert {rule for (rule,) in rows} >= BROKEN
