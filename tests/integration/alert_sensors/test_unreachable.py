"""A service that is gone, a look that hangs, settings that are wrong."""

import dagster as dg
import pytest

from streaming.embedded import ports
from tests.integration.alert_sensors.ticking import rule, with_alerts
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.alerts import sensors
from trafficmon_dagster.defs.alerts.readers import broker


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("broker_alerts", "service_unreachable{service=kafka}"),
        ("scheduler_alerts", "service_unreachable{service=redis}"),
        ("camera_alerts", None),
        ("lake_alerts", None),
    ],
)
def test_a_service_that_is_gone_is_one_alert_of_the_sensor_that_owns_it(
    make_settings, ticking, name, alert
):
    dead = ports.any_free()
    settings = make_settings(
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{dead}",
        REDIS_URL=f"redis://:s3cr3t-pw@127.0.0.1:{dead}",
    )
    sensor = ticking(with_alerts(settings, rule("service_unreachable")), name)
    assert sensor.tick() == ([(alert, "firing")] if alert else [])
    assert "s3cr3t-pw" not in repr(sensor.last)


def test_a_look_that_hangs_ends_in_time_and_is_not_begun_twice(make_settings, ticking, monkeypatch):
    import threading

    released = threading.Event()
    looks = []

    def hang(*_):
        looks.append(1)
        released.wait(60)

    monkeypatch.setattr(broker, "read", hang)
    monkeypatch.setattr(sensors, "LOOK_WITHIN_S", 0.2)
    settings = with_alerts(make_settings(), rule("service_unreachable"))
    sensor = ticking(settings, "broker_alerts")
    told = [change for _ in range(3) for change in sensor.tick(15)]
    released.set()
    assert told == [("service_unreachable{service=kafka}", "firing")]
    assert len(looks) == 1


def test_wrong_settings_are_a_reason_to_skip(instance, tmp_path):
    (tmp_path / "monitoring.yaml").write_text("alerts: {rules: 7}")
    from trafficmon_dagster.resources import Trafficmon

    resources = {"trafficmon": Trafficmon(config_dir=str(tmp_path))}
    for sensor in sensors.alert_sensors:
        context = dg.build_sensor_context(instance, resources=resources, definitions=defs)
        assert "alerts.rules" in sensor(context).skip_message
