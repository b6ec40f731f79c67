"""Which cameras run: settings first, commands over them."""

from streaming.detection.roster import CameraSpec, roster
from streaming.messages import CameraCommand
from streaming.settings import Camera

NORTH = Camera(id="1", name="North", source="0")
SOUTH = Camera(id="2", name="South", source="1", interval_s=0.5)


def command(camera_id, **fields):
    return CameraCommand(camera_id=camera_id, **({"name": "N", "source": "new.mp4"} | fields))


def test_settings_alone():
    off = Camera(id="3", name="Off", source="2", enabled=False)
    assert roster([NORTH, SOUTH, off], {}, 1.8) == {
        "1": CameraSpec("1", "North", "0", 1.8),
        "2": CameraSpec("2", "South", "1", 0.5),
    }


def test_a_command_adds_and_changes():
    found = roster([NORTH], {"1": command("1", interval_s=3.0), "9": command("9")}, 1.8)
    assert found == {
        "1": CameraSpec("1", "N", "new.mp4", 3.0),
        "9": CameraSpec("9", "N", "new.mp4", 1.8),
    }


def test_a_tombstone_or_a_disabled_command_stops_even_a_configured_camera():
    assert roster([NORTH, SOUTH], {"1": None, "2": command("2", enabled=False)}, 1.8) == {}


def test_no_command_makes_a_busy_loop():
    assert roster([], {"9": command("9", interval_s=0.000001)}, 1.8)["9"].interval_s == 0.02


def test_a_command_for_another_address_keeps_masks_zones_and_priority_of_the_settings():
    mask = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5))
    zone = {"name": "a", "kind": "lane", "polygon": mask}
    masked = Camera(id="1", source="0", priority=90, privacy_masks=(mask,), zones=(zone,))
    found = roster([masked], {"1": command("1")}, 1.8)["1"]
    assert (found.source, found.priority, found.privacy_masks) == ("new.mp4", 90, (mask,))
    assert [z.name for z in found.zones] == ["a"]
    lifted = roster([masked], {"1": command("1", privacy_masks=(), priority=0)}, 1.8)["1"]
    assert (lifted.privacy_masks, lifted.priority) == ((), 0)
