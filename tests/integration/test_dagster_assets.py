"""The assets that need a broker, on a real one."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streaming.kafka import admin, dead_letters, snapshot
from streaming.kafka.clients import producer
from streaming.lake import ask
from streaming.messages import encode
from streaming.scheduling import keys_verify
from tests.builders import assessment_task, detection_result, risk_assessment, skipped_groups
from tests.dagster_settings import given
from tests.waiting import eventually
from trafficmon_dagster.defs.keys.api_keys import api_keys
from trafficmon_dagster.defs.lake import sensor
from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.defs.topics.kafka_topics import kafka_topics
from trafficmon_dagster.defs.topics.replay import replay_dead_letters


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
    out.produce(topics.skipped_groups.name, encode(skipped_groups()), key="1")
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
    assert f"| `{own.detection_results.name}` | 16 | 1 | 24 h | as it was | none |" in table
    assert f"| `{own.camera_control.name}` | 16 | 1 | compacted |" in table
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


@pytest.mark.parametrize(
    ("config", "changed_to", "drifts"),
    [
        ({"retention.ms": "1000"}, "retention.ms 1000 -> 86400000", False),
        ({"cleanup.policy": "compact"}, "cleanup.policy compact -> delete", False),
        ({"retention.bytes": "100000"}, "as it was", True),
    ],
)
def test_what_drifted_is_mended_or_fails_the_check(make_settings, config, changed_to, drifts):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    name = settings.kafka.topics.detection_results.name
    alter(settings.kafka, name, config)

    result = dg.materialize([kafka_topics], resources={"trafficmon": given(settings)})

    (row,) = (
        r for r in metadata(result, "kafka_topics")["topics"].splitlines() if f"`{name}`" in r
    )
    assert changed_to in row
    assert checks(result)["kafka_topics", "no_drift"].passed == (not drifts)


def alter(kafka, topic, config):
    entries = [
        ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in config.items()
    ]
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    for future in client.incremental_alter_configs([resource]).values():
        future.result(30)

    def in_force():
        (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        found = future.result(30)
        return all(found[k].value == v for k, v in config.items())

    eventually(in_force)  # KRaft answers before its brokers know


def test_ingestion_fills_every_table_and_its_checks_pass(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    send_one_task(settings)

    result = dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})

    counts = {
        event.asset_key.path[-1]: event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
    }
    assert counts == {
        "detections": 1,
        "detected_objects": 2,
        "tasks": 1,
        "assessments": 1,
        "llm_calls": 1,
        "skipped_groups": 1,
    }
    assert len(checks(result)) == 21
    assert all(check.passed for check in checks(result).values())


def test_times_that_run_backwards_and_unknown_verdicts_warn(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    now = datetime.now(UTC)
    early = risk_assessment(
        captured_at=now, assessed_at=now - timedelta(seconds=1), status="expired"
    )
    out = producer(settings.kafka, client_id="test")
    out.produce(settings.kafka.topics.risk_assessment_results.name, encode(early), key="1")
    assert out.flush(30) == 0

    result = dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})

    found = checks(result)
    failed = {check: e.severity for check, e in found.items() if not e.passed}
    assert failed == {
        ("lake/assessments", "times_in_order"): dg.AssetCheckSeverity.WARN,
        ("lake/assessments", "verdicts_are_known"): dg.AssetCheckSeverity.WARN,
    }
    assert found["lake/assessments", "verdicts_are_known"].metadata["unknown_share"].value == 1.0


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
        requests = eventually(lambda: getattr(tick(instance), "run_requests", None))
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
        keys_verify.KeyCheck(
            ids[1],
            valid=False,
            latency_ms=80.0,
            error="401: rejected",
            advice="copy it anew",
            account_known="shared",
            shares_account_with=(ids[0],),
            requests_limit=60,
            limits_too_high=("rpm_limit 300 is above the provider's 60",),
            warnings=("give each `account: x`", "rpm_limit 300 is above the provider's 60"),
        ),
    )
    monkeypatch.setattr(keys_verify, "verify", lambda _settings: found)

    result = dg.materialize([api_keys], resources={"trafficmon": given(settings)})

    shown = metadata(result, "api_keys")
    assert (shown["valid_keys"], shown["invalid_keys"]) == (1, 1)
    assert [shown[f"latency_ms_{key_id}"] for key_id in ids] == [120.0, 80.0]
    assert "sk-secret" not in repr(shown)
    assert f"shared with {ids[0]}" in shown["keys"]
    assert "copy it anew" in shown["keys"]
    assert "300 of 60" in shown["keys"]
    found = {name: check for (_, name), check in checks(result).items()}
    assert {name: check.passed for name, check in found.items()} == {
        "keys_are_valid": False,
        "limits_are_allowed": False,
        "accounts_are_declared": False,
    }
    assert found["keys_are_valid"].severity == dg.AssetCheckSeverity.WARN
    assert ids[1] in found["limits_are_allowed"].metadata
    rows = ask(settings, "SELECT key_id, valid FROM key_checks ORDER BY 1").rows
    assert rows == ((ids[0], True), (ids[1], False))


def replayed(settings, **config):
    result = replay_dead_letters.execute_in_process(
        run_config={"ops": {"send_back": {"config": config}}},
        resources={"trafficmon": given(settings)},
    )
    (output,) = (e for e in result.all_node_events if e.is_successful_output)
    found = output.event_specific_data.metadata
    return found["letters"].value, found["sent_back"].value


def test_dead_letters_are_shown_then_sent_back_where_they_came_from(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    source = settings.kafka.topics.assessment_tasks.name
    reason = dead_letters.headers(
        error="a bug",
        topic=source,
        partition=0,
        offset=7,
        stage="tasks",
        failed_at=datetime.now(UTC),
    )
    out = producer(settings.kafka, client_id="test")
    out.produce(dead_letters.dlq_topic(source), b"once again", key="1", headers=reason)
    assert out.flush(30) == 0

    assert replayed(settings, letters="all", dry_run=True) == (1, 0)
    assert [r.value() for r in snapshot.records(settings.kafka, [source])] == []
    assert replayed(settings, letters=dead_letters.dlq_topic(source)) == (1, 1)
    assert [r.value() for r in snapshot.records(settings.kafka, [source])] == [b"once again"]
    with pytest.raises(dg.Failure, match="no dead letter is at"):
        replayed(settings, letters="nowhere/0/0")
