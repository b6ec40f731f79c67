"""One camera from frame to frame: what a short film tells, frame by frame."""

import pytest
from msgspec import UNSET

from streaming.detection.scene import SceneState, look, place_of
from streaming.messages import Homography, Zone
from tests.unit.detection.scenes import user

SIZE = (640, 360)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
TENTH = Homography(image=WHOLE, ground_m=((0, 0), (64, 0), (64, 36), (0, 36)))
"""Straight from above: ten pixels a metre."""


def film(places, interval_s, place, frames):
    """Look at `frames` frames; places(time) gives who is where. Returns what was seen of each."""
    state, seen = SceneState(), []
    for number in range(frames):
        state, found = look(state, places(number * interval_s), number * interval_s, place)
        seen.append(found)
    return seen


def test_on_the_ground_speed_is_in_kmh_and_places_in_metres():
    place = place_of((), TENTH, SIZE)
    seen = film(lambda t: [user("car", 100 + 100 * t, 200)], 0.2, place, 6)
    (car,) = seen[-1].detections
    assert car.motion.speed_kmh == pytest.approx(36.0, abs=0.1)
    assert car.motion.position_m == pytest.approx((20.0, 20.4), abs=0.1)


def test_without_homography_and_zones_there_is_nothing_more_to_tell():
    (seen, *_) = film(lambda _: [user("car", 100, 200)], 0.2, place_of((), None, SIZE), 1)
    assert seen.detections[0].motion is UNSET
    assert seen.detections[0].track_id == 1


def test_the_wrong_way_is_told_of_from_the_third_such_sighting_on():
    place = place_of((Zone("in", "lane", WHOLE, ((0.1, 0.5), (0.9, 0.5))),), None, SIZE)
    seen = film(lambda t: [user("car", 600 - 100 * t, 200)], 0.2, place, 6)
    wrong = [frame.detections[0].motion.wrong_way for frame in seen]
    assert wrong == [False, False, False, True, True, True]  # the first has no velocity
    assert [bool(frame.irregular) for frame in seen] == wrong
    assert seen[-1].irregular == {0: 0.8}


def test_a_car_that_stands_on_a_crossing_is_told_of_after_five_seconds():
    place = place_of((Zone("zebra", "crossing", WHOLE, None),), None, SIZE)

    def places(t):
        tremble = 1.5 if round(t * 2) % 2 else 0.0
        return [user("car", 100 + min(t, 2.0) * 60 + tremble, 200)]

    seen = film(places, 0.5, place, 18)
    told = [frame.detections[0].motion.stopped_s for frame in seen]
    assert told[:13] == [None] * 13
    assert told[-1] >= 5.0
    assert seen[-1].irregular == {0: 0.4}
    assert seen[-1].detections[0].motion.zone == "zebra"


def test_a_car_that_comes_just_after_a_pedestrian_left_is_an_encroachment():
    # From above, ten px a metre. Somebody walks north at 2 m/s over x = 32 m, y = 18 m at 2 s;
    # a car comes from the west at 10 m/s, its middle there at 3 s, its front 0.22 s earlier.
    place = place_of((), TENTH, SIZE)

    def places(t):
        walker = user("person", 320, 220 - 20 * t - 8.55, object_id=0, side=19)
        car = user("car", 320 + 100 * (t - 3.0), 180 - 4, object_id=1)
        return [walker, car]

    seen = film(places, 0.1, place, 34)
    pairs = [frame.pairs.worst((0, 1)).post_encroachment_s for frame in seen]
    assert all(p is None for p in pairs[:27])
    # Left by the walker's rear at 2 + 0.125 s, reached by the front at 2.78 s.
    assert pairs[-1] == pytest.approx(0.655, abs=0.08)
    assert seen[-1].pairs.worst((0, 1)).distance_m == pytest.approx(3.9, abs=1.5)
    assert seen[-1].pairs.risk((0, 1)) >= 1 - 0.75 / 2


def test_a_clock_that_was_set_back_begins_anew_without_using_a_number_again():
    place = place_of((), None, SIZE)
    state, _ = look(SceneState(), [user("car", 100, 100)], 10.0, place)
    state, seen = look(state, [user("car", 100, 100)], 9.0, place)
    assert seen.detections[0].track_id == 2
    assert seen.detections[0].velocity is None


def test_an_empty_street_is_no_trouble():
    for homography in (None, TENTH):
        place = place_of((), homography, SIZE)
        seen = film(lambda t: [user("car", 100, 100)] if 0.3 < t < 0.7 else [], 0.1, place, 12)
        assert seen[0].detections == seen[-1].detections == ()
