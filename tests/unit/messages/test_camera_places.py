"""Zones, masks and ground marks: what is accepted, what is not."""

import pytest

from streaming.errors import BadMessage
from streaming.messages import CameraCommand, Homography, Zone, decode, encode
from tests import builders

SQUARE = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))


@pytest.mark.parametrize(
    "polygon",
    [((0.1, 0.1), (0.5, 0.5), (0.9, 0.9)), ((0.2, 0.2),) * 3],
    ids=["a line", "a point"],
)
def test_a_polygon_encloses_an_area(polygon):
    with pytest.raises(ValueError, match="must enclose an area"):
        Zone("a", "lane", polygon)
    with pytest.raises(ValueError, match="must enclose an area"):
        builders.camera_command(privacy_masks=(polygon,))


def test_an_arrow_leads_somewhere():
    with pytest.raises(ValueError, match="direction"):
        Zone("a", "lane", SQUARE, ((0.5, 0.5), (0.5, 0.5)))


def test_three_marks_on_one_line_span_no_ground():
    with pytest.raises(ValueError, match=r"ground_m must have no three points"):
        Homography(SQUARE, ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 5.0)))
    with pytest.raises(ValueError, match=r"image must have no three points"):
        Homography((*SQUARE[:3], (0.9, 0.5)), ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0)))


@pytest.mark.parametrize(
    "field",
    [
        b'"privacyMasks":[[[0.1,0.1],[0.5,0.5],[0.9,0.9]]]',
        b'"privacyMasks":[[[0.1,0.1],[1.5,0.5],[0.9,0.1]]]',
        b'"zones":[{"name":"a","kind":"runway","polygon":[[0,0],[1,0],[1,1]]}]',
        b'"priority":101',
    ],
)
def test_what_is_no_place_in_a_picture_is_no_command(field):
    raw = encode(builders.camera_command()).rstrip(b"}")
    with pytest.raises(BadMessage):
        decode(raw + b"," + field + b"}", CameraCommand)
