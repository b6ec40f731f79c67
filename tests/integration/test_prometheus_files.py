"""Rules and dashboard against a real Prometheus that scrapes every metric we have."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml
from prometheus_client import start_http_server

from streaming.embedded import ports
from streaming.metrics import Metrics
from tests.unit.deployment.named import DEPLOYMENT
from tests.waiting import eventually

FOLDER = DEPLOYMENT / "prometheus"
pytestmark = pytest.mark.needs("prometheus", "promtool", "amtool")

_JOBS = ("detection", "tasks", "scheduling", "aggregation", "api")
_START_S = 120


def panels() -> list[tuple[str, str]]:
    dashboard = json.loads((DEPLOYMENT / "grafana/dashboards/trafficmon.json").read_text())
    return [(p["title"], t["expr"]) for p in dashboard["panels"] for t in p.get("targets", [])]


def alerts() -> list[tuple[str, str]]:
    """Each alert with what it measures: without the comparison, a number is always there."""
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    compared = re.compile(r"\s*(>|<|==)\s*[\d.]+\s*$")
    return [(rule["alert"], compared.sub("", rule["expr"])) for rule in group["rules"]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Its address, once each of our metrics was scraped twice."""
    folder = tmp_path_factory.mktemp("prometheus")
    metrics = filled()
    server, thread = start_http_server(0, addr="127.0.0.1", registry=metrics.registry)
    target = f"127.0.0.1:{server.server_port}"
    config = (FOLDER / "prometheus-host.yml").read_text()
    assert re.findall(r"job_name: (\w+)", config) == list(_JOBS)
    config = (
        re.sub(r"127\.0\.0\.1:(910\d|5000)", target, config)
        .replace("15s", "1s")
        .replace("10s", "1s")
    )
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(FOLDER / "alerts.yml", folder)
    port = ports.any_free()
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *options, f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"

    # A rate wants two scrapes, and a change between them.
    def rated() -> bool:
        metrics.tasks.inc()
        return bool(ask(url, "sum(rate(trafficmon_tasks_total[1m])) > 0"))

    try:
        eventually(rated, _START_S)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        server.shutdown()
        thread.join(10)


def filled() -> Metrics:
    """Every metric with a value for every label."""
    metrics = Metrics()
    for family in vars(metrics).values():
        names = getattr(family, "_labelnames", None)
        if names is None:
            continue
        values = {"status": ("assessed", "success", "available", "expired")}
        for value in values.get(names[-1], ("x",)) if names else [None]:
            child = family.labels(*["x"] * (len(names) - 1), value) if names else family
            change = getattr(child, "observe", None) or child.inc
            change(1)
    return metrics


def ask(url: str, expression: str) -> list:
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=20) as answer:  # noqa: S310  (http, to our own)
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as exc:
        if exc.code == 503:  # it is starting
            return []
        raise AssertionError(f"{expression}: {exc.read().decode()}") from exc
    except OSError:
        return []


@pytest.mark.parametrize(("title", "expression"), panels())
def test_a_panel_shows_something(prometheus: str, title: str, expression: str):
    eventually(lambda: ask(prometheus, expression), 30)


@pytest.mark.parametrize(("alert", "measured"), alerts())
def test_an_alert_measures_something(prometheus: str, alert: str, measured: str):
    found = ask(prometheus, measured)
    # Every job is there, so none is missing.
    assert bool(found) is (alert != "DaemonMissing")


def test_every_metric_of_ours_is_on_the_dashboard():
    text = "\n".join(expression for _, expression in panels())
    missing = [family.name for family in Metrics().registry.collect() if family.name not in text]
    assert not missing


@pytest.mark.parametrize("file", ["prometheus.yml", "prometheus-host.yml"])
def test_promtool_takes_the_configuration(file: str, tmp_path):
    # It looks for the file with the token, which the container makes as it starts.
    (tmp_path / "token").touch()
    text = (FOLDER / file).read_text().replace("/run/prometheus/token", f"{tmp_path}/token")
    (tmp_path / file).write_text(text)
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    done = subprocess.run(
        ["promtool", "check", "config", tmp_path / file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_amtool_takes_alertmanagers():
    place = DEPLOYMENT / "alertmanager/alertmanager.yml"
    done = subprocess.run(
        ["amtool", "check-config", place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_thresholds_are_the_guides():
    from streaming.settings import load

    text = (FOLDER / "alerts.yml").read_text()
    limits = load(environ={}).alerts
    for name in (
        "latency_threshold_p95",
        "error_rate_threshold",
        "kafka_lag_threshold",
        "api_key_failure_threshold",
    ):
        value = getattr(limits, name)
        assert f"# alerts.{name}: {value:g}" in text
        assert re.search(rf"> {value:g}$", text, re.MULTILINE)
