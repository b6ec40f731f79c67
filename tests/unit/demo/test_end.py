"""When a demo with --duration ends: so long after its first frame."""

from datetime import UTC, datetime

import pytest

from streaming.demo.demo import NO_FRAME_S, End
from streaming.demo.tally import Tally


@pytest.fixture
def tally():
    return Tally(datetime(2026, 1, 1, tzinfo=UTC))


def test_it_ends_so_long_after_the_first_frame(tally):
    end = End(10)
    assert not end.has_come(tally, 100.0)
    assert not end.has_come(tally, 130.0)
    tally.frame_ids.add("first")
    assert not end.has_come(tally, 140.0)
    assert not end.has_come(tally, 149.9)
    assert end.has_come(tally, 150.0)


def test_it_ends_although_no_frame_comes(tally):
    end = End(10)
    assert not end.has_come(tally, 100.0)
    assert not end.has_come(tally, 100.0 + NO_FRAME_S + 9.9)
    assert end.has_come(tally, 100.0 + NO_FRAME_S + 10)


def test_without_a_duration_it_never_ends(tally):
    assert not End(None).has_come(tally, 1e9)
