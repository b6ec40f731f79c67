"""What an address names, and what of it may be shown."""

import pytest

from streaming.detection.sources.address import kind_of, masked, short_name, webcam_number


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("synthetic://junction?seed=1", "synthetic"),
        ("rtsp://10.0.0.1/stream", "stream"),
        ("HTTP://host/mjpeg", "stream"),
        ("0", "webcam"),
        ("/dev/video2", "webcam"),
        ("webcam:1", "webcam"),
        ("recordings/a.mp4", "path"),
        ("file:///data/a.gif", "path"),
        ("C:\\films\\a.mp4", "path"),
        ("gopher://host", None),
    ],
)
def test_kinds(source, kind):
    assert kind_of(source) == kind


def test_webcams_have_numbers():
    assert [webcam_number(s) for s in ("2", "/dev/video3", "webcam://4", "a.mp4")] == [
        2,
        3,
        4,
        None,
    ]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:s3cret@10.0.0.1/x", "rtsp://***@10.0.0.1/x"),
        ("http://cam/v.cgi?user=a&password=s3cret&x=1", "http://cam/v.cgi?user=a&password=***&x=1"),
        ("http://cam/v?access_token=s3cret", "http://cam/v?access_token=***"),
        ("recordings/a.mp4", "recordings/a.mp4"),
    ],
)
def test_secrets_are_masked(source, shown):
    assert masked(source) == shown


def test_a_path_is_called_by_its_last_part():
    assert short_name("/home/somebody/films/a.mp4") == "a.mp4"
