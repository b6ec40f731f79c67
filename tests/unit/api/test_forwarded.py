"""A trusted proxy's word counts, and nobody else's."""

import ipaddress

import pytest

from streaming.api.forwarded import Asked, asked, counted_as, is_in

TRUSTED = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")]
PROXY, CLIENT = "10.0.0.1", "203.0.113.5"


def seen(peer=PROXY, forwarded=(), **headers):
    lines = {name: [text] if isinstance(text, str) else text for name, text in headers.items()}
    return asked(peer, {name.strip("_"): text for name, text in lines.items()}, forwarded, TRUSTED)


@pytest.mark.parametrize(
    ("peer", "written", "client"),
    [
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"{CLIENT}, 10.9.9.9", CLIENT),  # two trusted proxies
        (PROXY, f"1.1.1.1, {CLIENT}", CLIENT),  # what the client made up stands left
        (PROXY, f"10.1.1.1, {CLIENT}", CLIENT),
        (PROXY, f"junk, {CLIENT}", CLIENT),
        (PROXY, "10.5.5.5, 10.9.9.9", "10.5.5.5"),  # a client inside
        (PROXY, [CLIENT, "10.9.9.9"], CLIENT),  # two lines are one list
        (PROXY, f"{CLIENT}:5050", CLIENT),
        (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "::ffff:203.0.113.5", CLIENT),
        ("::ffff:10.0.0.1", CLIENT, CLIENT),
        ("fd00::9", CLIENT, CLIENT),
        (PROXY, "", PROXY),
        (PROXY, ",,", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, "1.2.3.4.5", PROXY),
        (PROXY, f"{CLIENT}, junk", PROXY),
        (PROXY, f"{CLIENT}, junk, 10.9.9.9", "10.9.9.9"),
        (PROXY, "\udcff\x00'\"", PROXY),
        (PROXY, ", ".join(["1.1.1.1"] * 2000 + [CLIENT]), CLIENT),
        (CLIENT, "1.1.1.1", CLIENT),  # not a trusted proxy
        ("127.0.0.2", "1.1.1.1", "127.0.0.2"),
        ("", "1.1.1.1", ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_trusted_proxy(peer, written, client):
    assert seen(peer, for_=written) == Asked(client)


@pytest.mark.parametrize(
    ("headers", "scheme", "host"),
    [
        ({"proto": "https", "host": "wall.example"}, "https", "wall.example"),
        ({"proto": "HTTPS", "host": "wall.example:8443"}, "https", "wall.example:8443"),
        ({"proto": "wss", "host": "[2001:db8::1]:443"}, "https", "[2001:db8::1]:443"),
        ({"proto": "http", "host": ""}, "http", None),
        ({"proto": "gopher", "host": "a b"}, None, None),
        ({"proto": "", "host": "x/../y"}, None, None),
        ({"proto": "javascript:x", "host": "evil\r\nX: y"}, None, None),
    ],
)
def test_scheme_and_host_are_taken_if_they_can_be_ones(headers, scheme, host):
    assert seen(for_=CLIENT, **headers) == Asked(CLIENT, scheme, host)


def test_scheme_and_host_are_those_that_the_proxy_saw_which_saw_the_client():
    found = seen(
        for_=f"{CLIENT}, 10.9.9.9", proto="gopher, https, http", host="evil, wall.example, inner"
    )
    assert found == Asked(CLIENT, "https", "wall.example")
    assert seen(for_=f"{CLIENT}, 10.9.9.9", proto="https") == Asked(CLIENT, "https")


def test_a_stranger_is_believed_no_scheme_and_no_host():
    assert seen(CLIENT, for_="1.1.1.1", proto="https", host="evil.example") == Asked(CLIENT)


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ([{"for": CLIENT, "proto": "https", "host": "w.example"}], Asked(CLIENT, "https", "w.example")),
        ([{"for": "[2001:db8::1]:4711"}], Asked("2001:db8::1")),
        ([{"for": "9.9.9.9"}, {"for": CLIENT, "proto": "https"}, {"for": "10.9.9.9", "proto": "http"}], Asked(CLIENT, "https")),
        ([{"for": "unknown", "proto": "https"}], Asked(PROXY, "https")),
        ([{"for": "_hidden"}], Asked(PROXY)),
        ([{}], Asked(PROXY)),
    ],
)  # fmt: skip
def test_the_standard_header_says_the_same(elements, found):
    assert seen(forwarded=elements) == found


def test_who_sends_both_with_two_clients_is_believed_neither():
    assert seen(for_=CLIENT, forwarded=[{"for": "9.9.9.9"}]) == Asked(PROXY)
    assert seen(for_="9.9.9.9", proto="https", forwarded=[{"for": CLIENT}]) == Asked(PROXY)
    both = seen(for_=CLIENT, proto="https", forwarded=[{"for": CLIENT, "proto": "https"}])
    assert both == Asked(CLIENT, "https")
    # A client knows its own address, and may claim the rest.
    claimed = {"for": CLIENT, "proto": "https", "host": "evil.example"}
    found = seen(for_=CLIENT, proto="http", host="wall.example", forwarded=[claimed])
    assert found == Asked(CLIENT)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, ""),
        ("a-socket", "a-socket"),
    ],
)
def test_wrong_tokens_are_counted_by_what_one_client_has_to_itself(address, counted):
    assert counted_as(address) == counted


def test_no_name_is_in_a_network():
    assert not is_in("localhost", TRUSTED)
