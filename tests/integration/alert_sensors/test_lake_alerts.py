"""What the lake does not read, and runs that fail."""

import dagster as dg

from streaming.kafka import admin
from tests.dagster_settings import given
from tests.integration.alert_sensors.ticking import HOUR_S, rule, send_tasks, with_alerts
from tests.waiting import eventually
from trafficmon_dagster.defs.lake.tables import ingestion_assets


def test_an_hour_of_unread_messages_is_no_alert_where_ingestion_catches_up(make_settings, ticking):
    """Dagster was down for an hour; its first tick and the ingestion come at the same time."""
    settings = with_alerts(make_settings())
    admin.ensure_topics(settings.kafka)
    sensor = ticking(settings, "lake_alerts")
    eventually(lambda: sensor.tick() == [] and "all well" in sensor.last.skip_reason.skip_message)
    send_tasks(settings, 10, timestamp_ms=int((sensor.now + 60) * 1000))
    assert sensor.tick(HOUR_S) == []
    assert sensor.states == {"lake_behind{stream=tasks}": "pending"}
    dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})
    assert sensor.tick(30) == []
    assert sensor.states == {}


def test_what_the_lake_does_not_read_becomes_an_alert(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("lake_delay", 600, duration=30))
    admin.ensure_topics(settings.kafka)
    sensor = ticking(settings, "lake_alerts")
    eventually(lambda: sensor.tick() == [] and "readings" in sensor.last.skip_reason.skip_message)
    send_tasks(settings, 10, timestamp_ms=int((sensor.now - 700) * 1000))
    told = [sensor.tick(15) for _ in range(3)]
    assert told == [[], [], [("lake_delay{stream=tasks}", "firing")]]
    dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})
    assert sensor.tick(15) == [("lake_delay{stream=tasks}", "resolved")]


def test_a_job_whose_last_runs_failed_has_an_alert_until_one_succeeds(
    make_settings, ticking, instance
):
    sensor = ticking(with_alerts(make_settings()), "run_alerts")

    def ended(job, status):
        instance.run_storage.add_run(dg.DagsterRun(job_name=job, status=status))

    assert sensor.tick() == []
    ended("record_alerts", dg.DagsterRunStatus.FAILURE)
    ended("ingestion", dg.DagsterRunStatus.FAILURE)
    assert sensor.tick(15) == [("run_failed{job=ingestion}", "firing")]
    ended("ingestion", dg.DagsterRunStatus.FAILURE)
    assert sensor.tick(15) == []
    ended("ingestion", dg.DagsterRunStatus.SUCCESS)
    assert sensor.tick(15) == [("run_failed{job=ingestion}", "resolved")]
