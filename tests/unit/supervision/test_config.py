"""supervisord.conf is read back by supervisord's own parser."""

import shlex
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from streaming.supervision import config
from streaming.supervision.programs import Program


@pytest.fixture
def layout(tmp_path):
    return config.Layout(
        home=tmp_path,
        socket=tmp_path / "s.sock",
        log_file=tmp_path / "supervisord.log",
        run_as_root=False,
    )


def _parsed(layout, *programs):
    layout.config.write_text(config.render(layout, programs))
    options = ServerOptions()
    options.realize(["-c", str(layout.config)])
    return {c.name: c for group in options.process_group_configs for c in group.process_configs}


def test_words_and_variables_arrive_as_they_were(layout, tmp_path):
    command = ("/opt/a b/python", "-c", 'print("100%") # no ; comment', "it's", "a\\b")
    env = {"TRAFFICMON_STATE_DIR": "/home/x y/100%/#1 ;2/state", "EMPTY": ""}
    program = Program("tasks", command, tmp_path / "tasks.out.log", env=env, stop_wait_s=45)
    parsed = _parsed(layout, program)["tasks"]
    words = shlex.split(parsed.command)
    assert tuple(words[-len(command) :]) == command
    assert dict(word.split("=", 1) for word in words[1 : -len(command)]) == env
    assert parsed.stopwaitsecs == 45


def test_infrastructure_starts_first_and_a_crash_is_always_restarted(layout, tmp_path):
    names = ("api", "kafka", "redis", "tasks")
    parsed = _parsed(layout, *(Program(n, ("true",), tmp_path / n) for n in names))
    order = sorted(names, key=lambda name: parsed[name].priority)
    assert set(order[:2]) == {"kafka", "redis"}
    assert all(p.startretries > 1000 and p.startsecs == 1 for p in parsed.values())
    assert not any(p.autostart for p in parsed.values())


@pytest.mark.parametrize(
    ("home", "socket"),
    [
        ("/home/me/trafficmon/.trafficmon/supervisor", "supervisor.sock"),
        ("/home/" + "long/" * 30, None),
        ("/home/" + "交通" * 20, None),
    ],
)
def test_a_socket_path_is_never_too_long(home, socket):
    path = config.socket_path(Path(home), Path("/tmp"), 1000)
    assert len(bytes(path)) <= config.MAX_SOCKET_PATH_BYTES
    assert path == (Path(home) / socket if socket else path)
    assert path == config.socket_path(Path(home), Path("/tmp"), 1000)


def test_two_folders_never_share_a_socket():
    paths = {config.socket_path(Path("/x" * 60, n), Path("/tmp"), 1) for n in ("a", "b")}
    assert len(paths) == 2
