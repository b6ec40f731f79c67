"""The assets that need a broker, on a real one."""

import dagster as dg
import pytest

from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.lake import ask
from streaming.messages import encode
from streaming.scheduling import keys_verify
from tests.builders import assessment_task, detection_result, risk_assessment
from tests.dagster_settings import given
from tests.waiting import eventually
from trafficmon_dagster.defs.alerts.alert_states import alert_states
from trafficmon_dagster.defs.keys.api_key_health import api_key_health
from trafficmon_dagster.defs.lake import sensor
from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.defs.topics.kafka_topics import kafka_topics


def metadata(result, node):
    (event,) = result.asset_materializations_for_node(node)
    return {name: value.value for name, value in event.metadata.items()}


def checks(result):
    return {
        (e.asset_key.to_user_string(), e.check_name): e
        for e in result.get_asset_check_evaluations()
    }


def send_one_task(settings):
    topics = settings.kafka.topics
    out = producer(settings.kafka, client_id="test")
    out.produce(topics.detection_results.name, encode(detection_result()), key="1")
    out.produce(topics.assessment_tasks.name, encode(assessment_task()), key="1")
    out.produce(topics.risk_assessment_results.name, encode(risk_assessment()), key="1")
    assert out.flush(30) == 0


def test_topics_are_created_with_a_table_to_look_at(make_settings):
    settings = make_settings(partitions=16)
    resources = {"trafficmon": given(settings)}

    first = dg.materialize([kafka_topics], resources=resources)
    again = dg.materialize([kafka_topics], resources=resources)

    names = [topic.name for topic in settings.kafka.topics.all()]
    assert metadata(first, "kafka_topics")["created"] == len(names)
    assert metadata(again, "kafka_topics")["created"] == 0
    table = metadata(again, "kafka_topics")["topics"]
    own = settings.kafka.topics
    assert f"| `{own.detection_results.name}` | 16 | 24 h | as it was | none |" in table
    assert f"| `{own.camera_control.name}` | 16 | compacted |" in table
    assert checks(again)["kafka_topics", "no_drift"].passed


def test_more_partitions_than_configured_fail_the_check(make_settings):
    settings = make_settings(partitions=4)
    admin.ensure_topics(settings.kafka)
    topics = settings.kafka.topics
    fewer = topics.detection_results.model_copy(update={"partitions": 2})
    shrunk = topics.model_copy(update={"detection_results": fewer})
    settings = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"topics": shrunk})}
    )

    result = dg.materialize([kafka_topics], resources={"trafficmon": given(settings)})

    check = checks(result)["kafka_topics", "no_drift"]
    assert not check.passed
    assert topics.detection_results.name in check.metadata
    assert result.success


def test_ingestion_fills_every_table_and_its_checks_pass(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    send_one_task(settings)

    result = dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})

    counts = {
        event.asset_key.path[-1]: event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
    }
    assert counts == {"detections": 1, "detected_objects": 2, "tasks": 1, "assessments": 1}
    assert len(checks(result)) == 9
    assert all(check.passed for check in checks(result).values())


def test_a_rejected_message_warns_and_does_not_fail_the_run(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    out = producer(settings.kafka, client_id="test")
    out.produce(settings.kafka.topics.assessment_tasks.name, b"no task", key="1")
    assert out.flush(30) == 0

    result = dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})

    check = checks(result)["lake/tasks", "nothing_rejected"]
    assert (result.success, check.passed, check.severity) == (
        True,
        False,
        dg.AssetCheckSeverity.WARN,
    )


def test_the_sensor_asks_once_messages_have_waited_and_not_while_a_run_is_under_way(
    make_settings, monkeypatch
):
    settings = make_settings()
    trafficmon = given(settings)
    monkeypatch.setattr(sensor, "MESSAGES_ENOUGH", 3)

    def tick(instance):
        context = dg.build_sensor_context(instance, resources={"trafficmon": trafficmon})
        return sensor.messages_wait(context)

    with dg.instance_for_test() as instance:
        assert isinstance(tick(instance), dg.SkipReason)
        admin.ensure_topics(settings.kafka)
        send_one_task(settings)
        # A topic just created may have partitions without a leader for a moment.
        requests = eventually(lambda: getattr(tick(instance), "run_requests", None), 30)
        assert len(requests) == 1
        dg.materialize(ingestion_assets, resources={"trafficmon": trafficmon})
        assert "nothing waits" in tick(instance).skip_message
        send_one_task(settings)
        instance.run_storage.add_run(
            dg.DagsterRun(job_name=sensor.INGESTION, status=dg.DagsterRunStatus.STARTED)
        )
        assert "under way" in tick(instance).skip_message


def test_keys_are_checked_by_id_and_kept_in_the_lake(make_settings, monkeypatch):
    settings = make_settings(DASHSCOPE_API_KEY="sk-secret-one,sk-secret-two")
    ids = [key.id for key in settings.api_keys]
    found = (
        keys_verify.KeyCheck(ids[0], valid=True, latency_ms=120.0, error=None),
        keys_verify.KeyCheck(ids[1], valid=False, latency_ms=80.0, error="401: rejected"),
    )
    monkeypatch.setattr(keys_verify, "verify", lambda _settings: found)

    result = dg.materialize([api_key_health], resources={"trafficmon": given(settings)})

    shown = metadata(result, "api_key_health")
    assert (shown["valid_keys"], shown["invalid_keys"], shown["slowest_ms"]) == (1, 1, 120.0)
    assert "sk-secret" not in repr(shown)
    check = checks(result)["api_key_health", "keys_are_valid"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    rows = ask(settings, "SELECT key_id, valid FROM key_checks ORDER BY 1").rows
    assert rows == ((ids[0], True), (ids[1], False))


@pytest.mark.parametrize("times", [1, 2])
def test_an_alert_is_written_once_however_often_it_is_seen(make_settings, times):
    from datetime import UTC, datetime

    from streaming.lake import opened
    from streaming.lake.schema import ensure_schema
    from tests.unit.lake.rows import bring

    settings = make_settings()
    with opened(settings) as con:
        ensure_schema(con)
        bring(con, "assessments", risk_assessment(captured_at=datetime.now(UTC), status="failed"))

    for _ in range(times):
        result = dg.materialize([alert_states], resources={"trafficmon": given(settings)})

    assert metadata(result, "alert_states")["firing"] == 2
    assert not checks(result)["alert_states", "within_thresholds"].passed
    rows = ask(settings, "SELECT rule, state FROM alerts ORDER BY 1").rows
    assert rows == (("api_key_failures", "firing"), ("error_rate", "firing"))
