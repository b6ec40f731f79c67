from pathlib import Path

import pytest

from streaming.embedded import redis
from streaming.errors import ServiceError


@pytest.fixture
def no_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _server(folder: Path, said: str) -> Path:
    server = folder / "redis-server"
    server.write_text(f"#!/bin/sh\necho '{said}'\n")
    server.chmod(0o755)
    return server


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (7, 0)),
        ("Redis server v=6.2.14 sha=1", (6, 2)),
        ("something else", None),
    ],
)
def test_a_server_tells_its_version(tmp_path, said, version):
    assert redis.version(_server(tmp_path, said)) == version


def test_a_new_enough_server_on_path_is_taken(no_path):
    server = _server(no_path, "Redis server v=7.0.15 sha=0")
    assert redis.binary() == server


def test_without_one_on_path_the_bundled_one_is_taken(no_path):
    assert redis.version(redis.binary()) >= redis.MIN_VERSION


def test_an_old_one_on_path_is_passed_over(no_path):
    server = _server(no_path, "Redis server v=6.0.16 sha=0")
    assert redis.binary() != server


def test_none_at_all_says_what_to_do(no_path, monkeypatch):
    monkeypatch.setattr(redis.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ServiceError, match="REDIS_URL"):
        redis.binary()


def test_the_configuration_tells_ours_from_another_clones(tmp_path):
    command = redis.prepare(tmp_path / "here", 1)
    assert redis.is_ours(command[-1], tmp_path / "here")
    assert not redis.is_ours(command[-1], tmp_path / "there")
    assert redis.is_some_clones(command[-1])
    assert not redis.is_some_clones("/etc/redis/redis.conf")
    assert not redis.is_ours("", tmp_path)


def test_only_this_user_reads_the_folder(tmp_path):
    redis.prepare(tmp_path, 1)
    assert (tmp_path / "redis").stat().st_mode & 0o077 == 0
