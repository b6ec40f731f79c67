"""A camera's address that cannot be opened as written is refused before anybody tries."""

import pytest

from streaming.api.envelope import Refused
from streaming.api.reach import check_source
from streaming.settings import load, problems
from streaming.settings.addresses import check_stream, password_of

GOOD = [
    "rtsp://10.0.0.5/1",
    "rtsp://user:p%23%2F%3F%40%3Ass@10.0.0.5:554/1?a=b#c",
    "rtsp://admin:p@ss:w@10.0.0.5/1",  # as FFmpeg reads it: up to the last @
    "rtsp://admin:p[ss@10.0.0.5/1",
    "rtsp://[fe80::1]:554/1",
    "rtsp://admin:pw@[::1]/1",
    "http://cam/snap?user=a@b.c",
    "http://cam:8080/a b",
    "http://10.0.0.5:80/@live",
    "https://cam.example/@live",
    "http://localhost:80/a@b",
    "rtsp://host:554/user=admin_password=x_channel=1",
    "udp://@:5000",
    "udp://@239.0.0.1:1234",
    "srt://:9000?mode=listener",
]
SECRET = "s3cret"
ENCODE = "percent-encoded: %2F for /, %3F for ?, %23 for #"
BAD = [
    (f"rtsp://admin:{SECRET}/w@10.0.0.5/1", ENCODE),
    (f"rtsp://admin:{SECRET}?w@10.0.0.5/1", ENCODE),
    (f"rtsp://admin:{SECRET}#w@10.0.0.5/1", ENCODE),
    (f"rtsp://admin:12/{SECRET}@10.0.0.5/1", ENCODE),
    (f"rtsp://admin:12#{SECRET}@10.0.0.5/1", ENCODE),
    (f"rtsp://admin:{SECRET}@w/x@10.0.0.5/1", ENCODE),
    (f"rtsp://{SECRET}:99999/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@h:0/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@h:/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@h:port/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@fe80::1/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@[::1/1", "must have a port from 1 to 65535"),
    (f"rtsp://admin:{SECRET}@/1", "must name a host after rtsp://"),
    ("http://:80/1", "must name a host after http://"),
    (f"http:///x?token={SECRET}", "must name a host after http://"),
    (f"rtsp://10.0.0.5 rtsp://u:{SECRET}@b/1", "without blanks or line breaks"),
    (f"rtsp://u:{SECRET}@b/1\nX: y", "without blanks or line breaks"),
]


@pytest.mark.parametrize("address", GOOD)
def test_what_ffmpeg_opens_is_taken(address):
    check_stream(address)


@pytest.mark.parametrize(("address", "must"), BAD)
def test_what_it_cannot_is_told_by_the_settings_name_and_without_the_password(
    configured, tmp_path, address, must
):
    text = f"cameras:\n- id: 1\n  source: {address!r}\n".replace("'", '"')
    (problem,) = problems(*configured({"cameras.yaml": text}))
    assert problem.startswith(f"{tmp_path / 'cameras.yaml'}:3: cameras[0].source must ")
    assert must in problem
    assert SECRET not in problem


@pytest.mark.parametrize(("address", "_must"), BAD)
def test_nor_is_it_taken_over_the_network(address, _must):
    with pytest.raises(Refused) as refused:
        check_source(address)
    assert refused.value.status == 400
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "source",
    ["0", "webcam:2", "/dev/video1", "2024-05-01T16:01:04.mp4", "a#b?c@d.mp4", "a: b/c.mp4"],
)
def test_webcams_and_files_are_named_as_they_are(configured, source):
    files = {"cameras.yaml": f"cameras: [{{id: 1, source: '{source}'}}]"}
    assert load(*configured(files)).cameras[0].source == source


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("rtsp://u:p@ss@h/1", "p@ss"),
        ("redis://:pa[ss@h/1", "pa[ss"),
        ("rtsp://u:p:q@h", "p:q"),
        ("rtsp://u@h/a:b@c", None),
        ("recordings/a.mp4", None),
    ],
)
def test_a_password_is_found_to_be_masked(address, password):
    assert password_of(address) == password
