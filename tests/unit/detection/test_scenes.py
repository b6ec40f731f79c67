"""Which cameras are tracked, and when a scene begins anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from streaming.detection.analysed import AnalysedFrame
from streaming.detection.camera import CapturedFrame
from streaming.detection.roster import CameraSpec
from streaming.detection.scenes import Scenes
from tests.unit.detection.scenes import user

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SPEC = CameraSpec("7", "Junction", "synthetic://junction", 0.5)


def analysed(spec=SPEC, at_s=0.0, height=36):
    image = np.zeros((height, 64, 3), np.uint8)
    camera_id = spec.id if spec else "7"
    frame = CapturedFrame(camera_id, 1, NOON + timedelta(seconds=at_s), image, spec=spec)
    return AnalysedFrame(frame, (user("car", 30, 20),), inference_ms=1.0, model="m")


def track_of(seen):
    return seen.detections[0].track_id


@pytest.mark.parametrize(("interval_s", "tracked"), [(0.1, True), (0.5, True), (0.6, False)])
def test_only_short_intervals_are_tracked(interval_s, tracked):
    seen = Scenes().look(analysed(replace(SPEC, interval_s=interval_s)))
    assert (track_of(seen) is not None) is tracked
    assert (seen.seen is not None) is tracked


def test_a_frame_of_nobody_s_camera_stays_as_it_is():
    frame = analysed(spec=None)
    assert Scenes().look(frame) is frame


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (analysed(at_s=0.5), True),
        (analysed(replace(SPEC, name="Other zones", zones=()), at_s=0.5), False),
        (analysed(at_s=0.5, height=48), False),
    ],
)
def test_a_scene_goes_on_while_its_settings_and_size_stay(second, same):
    scenes = Scenes()
    scenes.look(analysed())
    assert (scenes.look(second).detections[0].velocity is not None) is same


def test_cameras_have_nothing_to_do_with_each_other():
    scenes = Scenes()
    a, b = (track_of(scenes.look(analysed(replace(SPEC, id=i)))) for i in "ab")
    assert a == b


def test_a_new_worker_gives_no_number_that_an_older_one_gave():
    older, newer = Scenes(), Scenes()
    given = {track_of(older.look(analysed(at_s=n * 0.5))) for n in range(4)}
    assert track_of(newer.look(analysed(at_s=2.0))) not in given


def test_cameras_that_send_no_more_are_forgotten_after_a_minute():
    scenes = Scenes()
    for number in range(5):
        scenes.look(analysed(replace(SPEC, id=str(number)), at_s=number))
    scenes.look(analysed(replace(SPEC, id="4"), at_s=62.5))
    assert len(scenes) == 2  # 3 was there 59.5 s before
