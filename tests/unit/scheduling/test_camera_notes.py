"""Notes of cameras: the file's, unless camera-control says otherwise."""

import pytest

from streaming.scheduling.camera_notes import live_notes
from tests.builders import camera_command


def with_notes(notes):
    return camera_command(notes=notes)


@pytest.mark.parametrize(
    ("announced", "notes"),
    [
        ({}, {"1": "parked cars"}),
        ({"1": with_notes("a school")}, {"1": "a school"}),
        ({"1": with_notes("")}, {"1": ""}),
        ({"1": None}, {"1": "parked cars"}),
        ({"2": with_notes("a school")}, {"1": "parked cars", "2": "a school"}),
    ],
)
def test_an_announced_camera_has_the_notes_it_was_announced_with(announced, notes):
    assert live_notes({"1": "parked cars"}, announced) == notes
