"""Who is let in."""

import ipaddress

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import SecretStr

from streaming.api.cameras import check_id
from streaming.api.envelope import Refused
from streaming.api.reach import check_source, may_reach
from streaming.api.security import (
    MOST_GUESSES,
    Guesses,
    check_bind,
    guard,
    new_session,
    same_secret,
    session_holds,
)
from streaming.errors import ConfigError
from streaming.settings import ServingSettings
from streaming.settings.serving import is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_loopback(host, loopback):
    assert is_loopback(host) is loopback


def test_serving_others_needs_a_token():
    check_bind(ServingSettings(host="127.0.0.1"))
    check_bind(ServingSettings(host="0.0.0.0", token=SecretStr("a-long-enough-token")))
    with pytest.raises(ConfigError, match=r"serving\.token"):
        check_bind(ServingSettings(host="0.0.0.0"))


def test_a_session_holds_until_it_ends_or_the_token_changes():
    cookie = new_session("secret", now_s=1_000)
    assert session_holds(cookie, "secret", now_s=1_001)
    assert not session_holds(cookie, "secret", now_s=1_000 + 12 * 3600 + 1)
    assert not session_holds(cookie, "other", now_s=1_001)


@pytest.mark.parametrize(
    "cookie",
    ["", ".", "99999999999", "99999999999.", "x.y", "９.a", "9é.ü", "9" * 5000 + ".a", "9.\udcff"],
)
def test_a_forged_session_does_not_hold(cookie):
    assert not session_holds(cookie, "secret", now_s=1)


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://10.0.0.5/stream1",
        "rtsps://user:pass@cam.example/1",
        "http://cam.example/mjpeg",
        "HTTPS://cam.example/x.m3u8",
        "synthetic://junction?seed=3",
    ],
)
def test_cameras_may_come_by_network(source):
    check_source(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "/etc/passwd",
        "file:///etc/passwd",
        "../x.mp4",
        "gopher://x/",
        "rtsp://",
        "http:/nohost",
        "rtsp://a b/c",
        "rtsp://x/\nHost: y",
        "rtsp://[::1",
        "rtsp://x/" + "a" * 3_000,
        "0",
    ],
)
def test_nothing_else_may(source):
    with pytest.raises(Refused):
        check_source(source)


@pytest.mark.parametrize("camera_id", ["", "a b", "../x", "a/b", "x" * 65, "摄像头", "a\n"])
def test_an_id_is_safe_in_keys_and_addresses(camera_id):
    with pytest.raises(Refused):
        check_id(camera_id)


@pytest.mark.parametrize(
    ("address", "allowed", "may"),
    [
        ("9.9.9.9", (), True),
        ("2620:fe::fe", (), True),
        ("10.1.2.3", (), False),
        ("10.1.2.3", ("10.1.0.0/16",), True),
        ("10.2.2.3", ("10.1.0.0/16",), False),
        ("::ffff:10.1.2.3", ("10.1.0.0/16",), True),
        ("::ffff:127.0.0.1", (), False),
        ("169.254.169.254", (), False),
        ("fd00::1", ("10.0.0.0/8",), False),
        ("239.1.1.1", (), False),
        ("0.0.0.0", (), False),
    ],
)
def test_inner_addresses_need_to_be_allowed(address, allowed, may):
    networks = [ipaddress.ip_network(text) for text in allowed]
    assert may_reach(ipaddress.ip_address(address), networks) is may


def test_guesses_are_counted_by_address_and_forgotten_after_a_minute():
    guesses = Guesses()
    for n in range(MOST_GUESSES):
        guesses.check("a", n)
        guesses.add("a", n)
    with pytest.raises(Refused, match="too many"):
        guesses.check("a", 59.0)
    guesses.check("b", 59.0)
    guesses.check("a", 61.0)


@pytest.mark.parametrize(
    ("origin", "host", "secure", "ours"),
    [
        ("https://wall.example", "wall.example", True, True),
        ("https://wall.example:443", "wall.example", True, True),
        ("https://WALL.example", "wall.example:443", True, True),
        ("http://wall.example", "wall.example", True, False),
        ("https://wall.example", "wall.example", False, True),  # a proxy that is not trusted
        ("http://wall.example:80", "wall.example", False, True),
        ("http://localhost:5000", "localhost:5000", False, True),
        ("http://[::1]:5000", "[::1]:5000", False, True),
        ("http://localhost:5001", "localhost:5000", False, False),
        ("https://evil.example", "wall.example", True, False),
        ("https://wall.example.evil.example", "wall.example", True, False),
        ("null", "wall.example", True, False),
        ("", "wall.example", True, False),
        ("http://[", "wall.example", False, False),
        ("http://wall.example:x", "wall.example", False, False),
        ("https://wall.example", "wall.example:x", True, False),
    ],
)
async def test_only_our_own_pages_may_change_things(origin, host, secure, ours):
    async def changed(_request):
        return web.Response()

    guarded = guard(ServingSettings(token=SecretStr("a-long-enough-token")))
    headers = {"Origin": origin, "Host": host, "Authorization": "Bearer a-long-enough-token"}
    request = make_mocked_request("POST", "/api/cameras", headers=headers)
    response = await guarded(request.clone(scheme="https" if secure else "http"), changed)
    assert response.status == (200 if ours else 403)


@pytest.mark.parametrize("given", ["Bearer \xff\xfe", "Bearer", "Basic x", "Bearer " + "x" * 5000])
async def test_a_token_that_cannot_be_one_is_a_wrong_one(given):
    guarded = guard(ServingSettings(token=SecretStr("a-long-enough-token")))
    request = make_mocked_request("GET", "/api/cameras", headers={"Authorization": given})
    assert (await guarded(request, None)).status == 401


def test_what_is_no_utf_8_is_compared_too():
    assert not same_secret("\udcff", "secret")
