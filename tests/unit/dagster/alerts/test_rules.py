"""Which rules are in force, what an alert says, and where it belongs."""

import re
from pathlib import Path

import dagster as dg
import pytest

from streaming.settings import AlertSettings, Rule, load
from streaming.settings.watched import METRICS
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.alerts.notices import notice_of
from trafficmon_dagster.defs.alerts.places import PLACES
from trafficmon_dagster.defs.alerts.rules import built_in_rules, of_family, rules_in_force
from trafficmon_dagster.defs.alerts.states import Alert, Change
from trafficmon_dagster.defs.alerts.subjects import link_of, subject_of

PAGE = (Path(__file__).parents[4] / "docs" / "alerts.md").read_text()
ALERTS = AlertSettings()


def rule(name, metric="error_rate", **more):
    return Rule(name=name, metric=metric, threshold=more.pop("threshold", 1), **more)


def names(*rules):
    return {r.name for r in rules_in_force(AlertSettings(rules=rules))}


def test_the_guides_thresholds_are_rules():
    alerts = AlertSettings(
        latency_threshold_p95=1.5, error_rate_threshold=0.2, kafka_lag_threshold=7,
        api_key_failure_threshold=0.3,
    )  # fmt: skip
    by_name = {r.name: r.threshold for r in built_in_rules(alerts)}
    guides = ("latency_p95", "error_rate", "kafka_lag", "api_key_failures")
    assert [by_name[name] for name in guides] == [1.5, 0.2, 7, 0.3]


def test_a_rule_takes_the_place_of_the_built_in_one_of_its_name_or_metric():
    built_in = {r.name for r in built_in_rules(ALERTS)}
    assert names() == built_in
    assert names(rule("mine")) == built_in - {"error_rate"} | {"mine"}
    assert names(rule("kafka_lag")) == built_in - {"error_rate"}
    assert names(rule("mine", enabled=False)) == built_in - {"error_rate"}


def test_every_rule_is_watched_by_the_sensors_that_can_tell():
    rules = built_in_rules(ALERTS)
    watched = [r.name for place in PLACES for r in of_family(rules, place.family)]
    several = {"service_unreachable": len(PLACES), "daemon_silent": 2}
    assert {name: watched.count(name) for name in watched} == {
        r.name: several.get(r.name, 1) for r in rules
    }


def test_the_page_tells_every_metric_with_its_unit_and_labels_and_every_rule_and_sensor():
    for metric in METRICS:
        row = next(
            line
            for line in PAGE.splitlines()
            if line.startswith(f"| `{metric.name}` | {metric.unit} | ")
        )
        assert [cell.strip() for cell in row.split("|")[2:4]] == [
            metric.unit,
            ", ".join(metric.labels),
        ]
    for built_in in built_in_rules(ALERTS):
        assert re.search(
            rf"^\| `{built_in.name}` \| .* \| {built_in.severity} \| ", PAGE, re.MULTILINE
        )
    for place in PLACES:
        assert f"`{place.sensor}`" in PAGE


def change(metric, state="firing", *, value=1512.0, rule="r", reason="", detail="", **labels):
    alert = Alert(rule, metric, labels, "firing", 100.0, value, detail, fired_at=130.0)
    return Change(alert, state, 1030.0, tell=True, reason=reason)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (change("kafka_consumer_lag", group="g", topic="t"), "A consumer group falls behind (group g, topic t): 1,512 messages, rule: > 1 messages"),
        (change("error_rate", value=0.0614, detail="6 failed"), "Too many tasks end without a verdict: 6.1%, rule: > 100.0%; 6 failed"),
        (change("camera_offline", camera="3", detail="offline: refused"), "A camera gives no frames (camera 3): offline: refused"),
        (change("camera_offline", "resolved", camera="3", detail="x"), "A camera gives no frames (camera 3): over after 16 min"),
        (change("camera_offline", "resolved", camera="3", reason="gone"), "A camera gives no frames (camera 3): gone"),
        (change("daemon_silent", daemon="tasks"), "A daemon is gone (daemon tasks)"),
    ],
)  # fmt: skip
def test_an_alert_is_a_sentence(changed, said):
    rules = [rule("r", changed.alert.metric)]
    assert notice_of(changed, rules, "http://x").message == said


def test_a_rules_description_comes_before_the_metrics_own():
    rules = [rule("r", "daemon_silent", description="Call Ann", severity="critical")]
    notice = notice_of(change("daemon_silent", daemon="tasks"), rules, "http://x")
    assert (notice.message, notice.severity) == ("Call Ann (daemon tasks)", "critical")


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_every_alert_is_about_an_asset_that_there_is_and_has_a_link(metric):
    examples = {
        "group": "scheduling",
        "daemon": "tasks",
        "stream": "skipped",
        "asset": "lake/tasks",
    }
    labels = {name: examples.get(name, "a b") for name in metric.labels}
    known = defs.resolve_asset_graph().get_all_asset_keys()
    assert subject_of(metric.name, labels) in known
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/\S+", link_of(metric.name, labels, load(environ={}))
    )


def test_links_begin_where_people_open_the_pages():
    alerts = AlertSettings(
        wall_url="https://wall.example.org/", dagster_url="https://dg.example.org"
    )
    settings = load(environ={}).model_copy(update={"alerts": alerts})
    camera = link_of("camera_offline", {"camera": "a/b"}, settings)
    assert camera == "https://wall.example.org/#/camera/a%2Fb"
    assert link_of("lake_delay", {"stream": "tasks"}, settings).startswith(
        "https://dg.example.org/assets/lake/tasks"
    )
    assert subject_of("daemon_silent", {"daemon": "api"}) == dg.AssetKey(["live_wall"])
    assert subject_of("lake_delay", {"stream": "tasks"}) == dg.AssetKey(["lake", "tasks"])
