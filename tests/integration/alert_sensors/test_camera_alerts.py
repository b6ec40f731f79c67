"""A camera that gives no frames."""

import pytest

from tests.integration.alert_sensors.ticking import camera_says, rule, with_alerts


@pytest.mark.parametrize(
    ("status", "more", "told"),
    [
        ("offline", {"error": "rtsp://u:a-secret@h/1: refused"}, [("camera_offline{camera=3}", "firing")]),
        ("opening", {}, [("camera_offline{camera=3}", "firing")]),
        ("online", {}, []),
        ("degraded", {"error": "late"}, []),
        ("offline", {"source": "a.mp4#once"}, []),
        ("offline", {"updatedAt": "2020-01-01T00:00:00+00:00"}, []),
    ],
)  # fmt: skip
def test_a_camera_that_gives_no_frames_has_an_alert_without_its_password(
    make_settings, ticking, status, more, told
):
    settings = with_alerts(make_settings(), rule("camera_offline"))
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, status, **more)
    assert sensor.tick() == told
    assert "a-secret" not in repr(sensor.last)
    camera_says(settings, sensor.now + 15, "online")
    assert sensor.tick(15) == [(alert, "resolved") for alert, _ in told]
