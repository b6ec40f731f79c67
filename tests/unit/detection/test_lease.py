"""Whose a camera is: by partition, by term, and only until the group's word has run out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.lease import Lease, partition_of

SESSION_S = 6.0
ALL = frozenset(range(4))


def test_every_camera_has_one_partition_and_they_are_spread():
    found = [partition_of(str(n), 16) for n in range(400)]
    assert set(found) == set(range(16))
    assert max(found.count(p) for p in range(16)) < 2 * 400 / 16


def test_before_the_first_assignment_there_is_no_camera():
    assert Lease().term("1") is None
    assert Lease().hold("1", 1, 0.0) == "gone"


def test_an_assignment_is_certain_once_it_was_confirmed_and_for_one_session():
    lease = Lease().assigned(ALL, 4)
    term = lease.term("1")
    assert lease.hold("1", term, 100.0) == "doubtful"
    lease = lease.confirmed(100.0, SESSION_S)
    assert lease.hold("1", term, 105.9) == "ours"
    assert lease.hold("1", term, 106.0) == "doubtful"


def test_a_late_answer_to_an_early_question_takes_nothing_back():
    lease = Lease().assigned(ALL, 4).confirmed(100.0, SESSION_S).confirmed(90.0, SESSION_S)
    assert lease.hold("1", lease.term("1"), 105.0) == "ours"


def test_what_was_taken_before_another_worker_had_the_camera_is_gone_for_good():
    lease = Lease().assigned(ALL, 4).confirmed(100.0, SESSION_S)
    before = lease.term("1")
    away = lease.revoked(ALL)
    assert away.hold("1", before, 101.0) == "gone"
    back = away.assigned(ALL, 4).confirmed(120.0, SESSION_S)
    assert back.hold("1", before, 121.0) == "gone"
    assert back.hold("1", back.term("1"), 121.0) == "ours"


def test_partitions_that_stay_keep_their_terms():
    lease = Lease().assigned({0, 1}, 4)
    grown = lease.revoked({1}).assigned({2, 3}, 4)
    assert grown.terms[0] == lease.terms[0]
    assert 1 not in grown.terms


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 7))), max_size=20))
def test_no_two_holdings_of_a_partition_share_a_term(changes):
    lease, seen = Lease(), set()
    for gained, partitions in changes:
        had = dict(lease.terms or {})
        lease = lease.assigned(partitions, 8) if gained else lease.revoked(partitions)
        new = {(p, t) for p, t in lease.terms.items() if p not in had}
        assert not new & seen
        assert len({t for _, t in new} | set(had.values())) == len(new) + len(had)
        seen |= new


@pytest.mark.parametrize("count", [1, 4, 16])
def test_two_workers_with_halves_of_the_partitions_share_no_camera(count):
    half = frozenset(range(count // 2))
    a, b = Lease().assigned(half, count), Lease().assigned(set(range(count)) - half, count)
    for n in range(100):
        assert (a.term(str(n)) is None) != (b.term(str(n)) is None)
