"""Lag by group, and daemons that are gone."""

from streaming.kafka import admin
from streaming.kafka.clients import consumer, member
from streaming.kafka.groups import members
from tests.integration.alert_sensors.ticking import rule, send_tasks, with_alerts
from tests.waiting import eventually


def joined(settings, group):
    """A member of the group that has committed what it was given: nothing read yet."""
    one = member(settings.kafka, group=group, instance_id="1", on_commit=lambda *_: None)
    one.subscribe([settings.kafka.topics.assessment_tasks.name])
    eventually(lambda: one.poll(0.1) or one.assignment())
    places = one.assignment()
    for place in places:
        place.offset = 0
    one.commit(offsets=places, asynchronous=False)
    return one


def test_each_group_that_falls_behind_has_an_alert_of_its_own(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("kafka_consumer_lag", 4, name="kafka_lag"))
    admin.ensure_topics(settings.kafka)
    topic = settings.kafka.topics.assessment_tasks.name
    groups = [joined(settings, "scheduling"), joined(settings, "another")]
    sensor = ticking(settings, "broker_alerts")
    assert sensor.tick() == []
    send_tasks(settings, 5)
    fired = {(f"kafka_lag{{group={g},topic={topic}}}", "firing") for g in ("scheduling", "another")}
    assert set(sensor.tick(15)) == fired
    assert sensor.tick(15) == []
    read_all(groups[0], settings)
    assert sensor.tick(15) == [(f"kafka_lag{{group=scheduling,topic={topic}}}", "resolved")]
    for group in groups:
        group.close()


def read_all(process, settings):
    topic = settings.kafka.topics.assessment_tasks.name
    ends = admin.watermarks(settings.kafka, [topic])
    places = process.assignment()
    for place in places:
        place.offset = ends[topic, place.partition][1]
    process.commit(offsets=places, asynchronous=False)


def test_a_daemon_without_a_process_is_gone_and_one_that_never_ran_is_not(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("daemon_silent"))
    admin.ensure_topics(settings.kafka)
    process = joined(settings, "aggregation")
    sensor = ticking(settings, "broker_alerts")
    assert sensor.tick() == []
    process.close()
    eventually(lambda: members(settings.kafka)["aggregation"] == 0)
    assert sensor.tick(15) == [("daemon_silent{daemon=aggregation}", "firing")]
    back = joined(settings, "aggregation")
    assert sensor.tick(15) == [("daemon_silent{daemon=aggregation}", "resolved")]
    back.close()


def test_tasks_that_flink_plans_have_no_process_in_their_group_and_are_not_gone(
    make_settings, ticking
):
    settings = with_alerts(make_settings(), rule("daemon_silent"))
    admin.ensure_topics(settings.kafka)
    send_tasks(settings, 10)
    process = joined(settings, "tasks")
    places = process.assignment()
    process.close()
    eventually(lambda: members(settings.kafka)["tasks"] == 0)

    def commit(offset):
        own = consumer(settings.kafka, group="tasks", instance_id="flink")
        for place in places:
            place.offset = offset
        own.commit(offsets=places, asynchronous=False)
        own.close()

    sensor = ticking(settings, "broker_alerts")
    commit(1)
    assert sensor.tick() == []
    commit(2)
    assert sensor.tick(15) == []
    assert sensor.tick(15) == [("daemon_silent{daemon=tasks}", "firing")]
    commit(3)
    assert sensor.tick(15) == [("daemon_silent{daemon=tasks}", "resolved")]
