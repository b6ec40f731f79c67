"""Groups are the connected sets of close road users, and nothing else."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.grouping import GroupingRules, connected, group, spatial_figures
from streaming.detection.pairs import still_pairs
from streaming.detection.scene import Place, SceneState, Seen, look
from streaming.messages import Detection

SIZE = (640, 360)


def user(object_id: int, x: float, y: float, name: str = "car", half: float = 10.0) -> Detection:
    box = (x - half, y - half, x + half, y + half)
    return Detection(object_id, name, 0, 0.9, box)


def brute_force(centres, within):
    """Connected components by repeated merging, the slow and obvious way."""
    sets = [{i} for i in range(len(centres))]

    def touch(a, b):
        return any(
            hypot(centres[i][0] - centres[j][0], centres[i][1] - centres[j][1]) <= within
            for i in a
            for j in b
        )

    merged = True
    while merged:
        merged = False
        for i, a in enumerate(sets):
            for b in sets[i + 1 :]:
                if touch(a, b):
                    a.update(b)
                    sets.remove(b)
                    merged = True
                    break
            if merged:
                break
    return sorted(sorted(s) for s in sets)


coordinates = st.floats(0, 640, allow_nan=False, width=32)
points = st.lists(st.tuples(coordinates, coordinates), max_size=14)


@given(points, st.floats(0, 400, allow_nan=False, width=32))
def test_sets_are_the_connected_components(centres, within):
    assert connected(centres, within) == brute_force(centres, within)


@given(st.permutations([user(i, 70.0 * i, 50.0 * (i % 3)) for i in range(7)]))
def test_the_order_of_detections_changes_nothing(users):
    rules = GroupingRules(distance_threshold_px=90)
    assert group(users, SIZE, rules) == group(sorted(users, key=lambda u: u.object_id), SIZE, rules)


@pytest.mark.parametrize(
    ("apart", "together"), [(149.0, True), (150.0, True), (150.1, False), (400.0, False)]
)
def test_the_threshold_itself_still_joins(apart, together):
    groups = group([user(0, 50, 100), user(1, 50 + apart, 100)], SIZE, GroupingRules())
    assert bool(groups) is together


def test_a_chain_is_one_group_and_a_lone_user_none():
    users = [user(i, 100.0 + 140 * i, 100) for i in range(3)] + [user(9, 20, 350)]
    (only,) = group(users, SIZE, GroupingRules())
    assert only.member_object_ids == (0, 1, 2)


def test_lights_and_signs_join_nobody():
    scene = [user(0, 50, 50, "traffic light"), user(1, 60, 50, "stop sign"), user(2, 70, 50)]
    assert group(scene, SIZE, GroupingRules()) == ()


def test_the_smallest_size_is_kept_to():
    users = [user(0, 50, 50), user(1, 60, 50), user(2, 500, 50), user(3, 510, 50), user(4, 520, 50)]
    (only,) = group(users, SIZE, GroupingRules(min_group_size=3))
    assert only.member_object_ids == (2, 3, 4)
    assert only.group_index == 0


def test_one_alone_can_be_a_group_if_settings_say_so():
    (only,) = group([user(0, 50, 50)], SIZE, GroupingRules(min_group_size=1))
    assert (only.surrogate_risk, only.spatial.min_spacing) == (0.0, 0.0)


def test_the_crop_has_its_margin_but_never_leaves_the_frame():
    groups = group([user(0, 15, 200), user(1, 100, 352)], SIZE, GroupingRules(crop_margin_px=12))
    assert groups == ()
    (only,) = group([user(0, 15, 300), user(1, 100, 352)], SIZE, GroupingRules(crop_margin_px=12))
    assert only.xyxy == (0.0, 278.0, 122.0, 360.0)


def test_spatial_figures_by_hand():
    # Centres (0,0), (30,40), (60,80): distances 50, 50, 100; the hull is 80 x 100 px.
    members = [user(0, 0, 0, "person"), user(1, 30, 40), user(2, 60, 80, "bicycle")]
    figures = spatial_figures(members, still_pairs(members))
    assert figures.average_spacing == pytest.approx(200 / 3, abs=0.05)
    assert figures.min_spacing == 50
    assert figures.pedestrian_vehicle_min_distance == 50
    assert figures.density == pytest.approx(3 / 8000 * 10_000)
    assert figures.time_to_collision_s is None


def test_no_pedestrian_means_no_pedestrian_distance():
    cars = [user(0, 0, 0), user(1, 9, 9)]
    assert spatial_figures(cars, still_pairs(cars)).pedestrian_vehicle_min_distance is None


def test_motion_gives_a_group_its_risk_and_the_pair_it_comes_from():
    # 5 px a tenth of a second towards a car that stands 80 px of free space away: 1.6 s.
    state = SceneState()
    for step in range(4):
        users = [user(0, 100, 100, "person"), user(1, 215 - 5.0 * step, 100)]
        state, seen = look(state, users, step * 0.1, Place())
    (still,) = group(users, SIZE, GroupingRules())
    (moving,) = group(seen.detections, SIZE, GroupingRules(), seen)
    assert moving.surrogate_risk == pytest.approx(1 - 1.6 / 4, abs=0.01)
    assert moving.surrogate_risk > still.surrogate_risk
    assert moving.spatial.time_to_collision_s == pytest.approx(1.6, abs=0.02)
    assert moving.spatial.worst_pair.object_ids == (0, 1)


def test_who_drives_the_wrong_way_is_a_group_alone():
    alone = user(5, 50, 50)
    seen = Seen((alone,), still_pairs([alone]), irregular={5: 0.8})
    (only,) = group([alone], SIZE, GroupingRules(), seen)
    assert (only.member_object_ids, only.surrogate_risk) == ((5,), 0.8)
    assert only.xyxy == (28.0, 28.0, 72.0, 72.0)


@given(st.lists(st.tuples(coordinates, coordinates, st.sampled_from(["person", "bus"]))))
def test_every_figure_is_finite_and_the_risk_within_bounds(scene):
    users = [user(i, x, y, name) for i, (x, y, name) in enumerate(scene)]
    for found in group(users, SIZE, GroupingRules()):
        assert 0 <= found.surrogate_risk <= 1
        assert 0 < found.spatial.density < 1e6
        assert found.spatial.min_spacing <= found.spatial.average_spacing + 0.1
