"""From the sensor to the people and the lake."""

from datetime import UTC, datetime

import dagster as dg

from streaming.embedded import ports
from streaming.lake import ask
from streaming.settings import Silence
from tests.dagster_settings import given
from tests.integration.alert_sensors.ticking import camera_says, rule, with_alerts
from tests.receivers import WebhookReceiver
from trafficmon_dagster.defs.alerts.table import alerts as alerts_table
from trafficmon_dagster.defs.alerts.table import notifications


def recorded(settings, request):
    return dg.materialize(
        [notifications, alerts_table],
        resources={"trafficmon": given(settings)},
        run_config=request.run_config,
    )


def test_a_change_is_told_once_and_is_a_row_once(make_settings, ticking):
    hook = WebhookReceiver()
    channel = {"type": "webhook", "config": {"url": hook.url}}
    dead = {"type": "webhook", "name": "dead", "config": {"url": f"http://127.0.0.1:{ports.any_free()}/t0ken-dead"}}  # fmt: skip
    settings = with_alerts(
        make_settings(), rule("camera_offline"), notification_channels=(channel, dead)
    )
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, "offline")
    sensor.tick()
    (firing,) = sensor.last.run_requests
    result = recorded(settings, firing)
    assert hook.alerts == [("camera_offline", "firing")]
    checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert (checks["everyone_told"].passed, checks["nothing_fires"].passed) == (False, False)
    assert "t0ken" not in repr(result.get_asset_materialization_events())
    # The step that writes is run again after a crash.
    dg.materialize(
        [alerts_table],
        resources={"trafficmon": given(settings)},
        run_config={"ops": {"lake__alerts": firing.run_config["ops"]["lake__alerts"]}},
    )
    camera_says(settings, sensor.now + 15, "online")
    sensor.tick(15)
    (over,) = sensor.last.run_requests
    assert over.run_key != firing.run_key
    done = {e.check_name: e.passed for e in recorded(settings, over).get_asset_check_evaluations()}
    assert done["nothing_fires"]
    assert hook.alerts == [("camera_offline", "firing"), ("camera_offline", "resolved")]
    rows = ask(settings, "SELECT alert, state, labels['camera'] FROM alerts ORDER BY changed_at")
    assert rows.rows == (
        ("camera_offline{camera=3}", "firing", "3"),
        ("camera_offline{camera=3}", "resolved", "3"),
    )
    hook.close()


def test_within_a_silence_it_is_a_row_and_nobody_is_told(make_settings, ticking):
    hook = WebhookReceiver()
    channel = {"type": "webhook", "config": {"url": hook.url}}
    quiet = Silence(labels={"camera": "3"}, daily="00:00-23:59", reason="roadworks")
    later = Silence(rule="camera_offline", until=datetime(2999, 1, 1, tzinfo=UTC))
    settings = with_alerts(
        make_settings(), rule("camera_offline"),
        notification_channels=(channel,), silences=(quiet, later),
    )  # fmt: skip
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, "offline")
    assert sensor.tick() == [("camera_offline{camera=3}", "firing")]
    recorded(settings, sensor.last.run_requests[0])
    assert hook.bodies == []
    assert ask(settings, "SELECT state FROM alerts").rows == (("firing",),)
    hook.close()


def test_by_hand_it_tells_nobody_and_shows_what_fires(make_settings):
    settings = with_alerts(make_settings())
    result = dg.materialize(
        [notifications, alerts_table], resources={"trafficmon": given(settings)}
    )
    (event,) = result.asset_materializations_for_node("lake__alerts")
    assert event.metadata["firing"].value == "Nothing fires."
    assert all(e.passed for e in result.get_asset_check_evaluations())
