import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming.embedded import ports
from streaming.errors import PortInUse


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_is_listened_to_is_not_free(taken):
    assert not ports.is_free(taken)
    assert ports.is_listening(taken)


def test_a_port_held_on_all_addresses_is_not_free():
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not ports.is_free(server.getsockname()[1])


def test_a_free_port_is_free_and_silent():
    port = ports.any_free()
    assert ports.is_free(port)
    assert not ports.is_listening(port)


@pytest.fixture
def reserved(tmp_path):
    with ports.Reservations(tmp_path) as reserved:
        yield reserved


def test_a_port_that_nobody_asked_for_gives_way(taken, reserved):
    assert taken < reserved.choose(taken, asked=False, setting="serving.api.port") < taken + 100


def test_a_port_that_was_asked_for_does_not_give_way(taken, reserved):
    with pytest.raises(PortInUse, match=r"port \d+ \(serving.api.port\) is in use"):
        reserved.choose(taken, asked=True, setting="serving.api.port")


def test_a_reserved_port_is_not_given_out_twice(reserved, tmp_path):
    port = ports.any_free()
    assert reserved.next_free(port) == port
    assert reserved.next_free(port) > port
    with ports.Reservations(tmp_path) as another_clone:
        assert another_clone.next_free(port) > port


def test_a_reservation_ends_with_its_block(tmp_path):
    port = ports.any_free()
    for _ in range(2):
        with ports.Reservations(tmp_path) as reserved:
            assert reserved.choose(port, asked=True, setting="serving.api.port") == port


def test_a_port_that_nobody_listens_at_yet_is_given_out_once(tmp_path, monkeypatch):
    monkeypatch.setattr(ports.tempfile, "gettempdir", lambda: str(tmp_path))
    given = [ports.any_free() for _ in range(300)]
    assert len(set(given)) == 300
    with ThreadPoolExecutor(8) as pool:
        given += pool.map(lambda _: ports.any_free(), range(300))
    assert len(set(given)) == 600
