"""What camera-control lacks of the settings."""

from streaming.camera_sync import command_of, differences
from streaming.detection.roster import roster, spec_of
from streaming.settings import Camera
from tests.builders import camera_command

MASK = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
NORTH = Camera(
    id="1", name="North", source="0", notes="parked cars", priority=80, privacy_masks=(MASK,)
)
SOUTH = Camera(id="2", source="1", enabled=False)


def test_everything_is_announced_to_an_empty_topic_and_nothing_twice():
    found = differences([NORTH, SOUTH], {})
    assert [c.camera_id for c in found.announce] == ["1", "2"]
    assert differences([NORTH, SOUTH], {c.camera_id: c for c in found.announce}).announce == ()


def test_a_camera_that_was_stopped_or_changed_by_command_is_as_the_settings_say_again():
    announced = {"1": None, "2": camera_command(camera_id="2", source="other.mp4")}
    assert [c.camera_id for c in differences([NORTH, SOUTH], announced).announce] == ["1", "2"]


def test_cameras_that_run_by_command_alone_are_told():
    announced = {"9": camera_command(camera_id="9"), "8": None}
    assert differences([NORTH], announced).others == ("9",)


def test_a_command_says_all_that_the_settings_say():
    assert roster([], {"1": command_of(NORTH)}, 1.8) == {"1": spec_of(NORTH, 1.8)}
