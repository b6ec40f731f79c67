"""A real supervisord: what is killed comes back, what is stopped stays, nothing is left over."""

import os
import signal
import sys
import tempfile

import psutil
import pytest

from streaming.embedded import ports
from streaming.errors import ServiceError
from streaming.settings import load
from streaming.supervision import daemon, orphans
from streaming.supervision.facade import status, stop
from streaming.supervision.programs import Program
from tests.waiting import eventually

SLEEP = "import time; time.sleep(600)"
FORK = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "with a space"
    folder.mkdir()
    settings = load(folder, {"TRAFFICMON_STATE_DIR": str(folder / "state")})
    return settings.model_copy(update={"logs_dir": folder / "logs"})


@pytest.fixture
def supervised(settings):
    """Starts programs under a supervisord that ends with the test."""
    made: list[Program] = []

    def supervised(**code):
        made[:] = [
            Program(
                name=name,
                command=(sys.executable, "-c", text),
                log_file=settings.logs_dir / f"{name}.out.log",
                stop_wait_s=2,
            )
            for name, text in code.items()
        ]
        control = daemon.ensure(settings, made, print)
        control.start(code)
        return control

    yield supervised
    daemon.end(settings, made, print)
    assert orphans.find(settings.state_dir) == []


def _running(settings, name):
    """The pid of a program that runs, or None."""
    return next((s.pid for s in status(settings) if s.name == name and s.state == "RUNNING"), None)


def test_a_killed_program_is_back_by_itself(settings, supervised):
    supervised(tasks=SLEEP)
    first = eventually(lambda: _running(settings, "tasks"))
    os.kill(first, signal.SIGKILL)
    eventually(
        lambda: (
            [s.pid for s in status(settings) if s.name == "tasks" and s.pid not in (None, first)]
        )
    )


def test_a_program_that_ends_in_peace_is_back_too(settings, supervised):
    supervised(tasks="import time; time.sleep(1.5)")
    first = eventually(lambda: _running(settings, "tasks"))
    assert eventually(lambda: _running(settings, "tasks") not in (None, first))


def test_what_is_stopped_stays_stopped_and_is_still_shown(settings, supervised):
    supervised(tasks=SLEEP, api=SLEEP)
    eventually(lambda: _running(settings, "tasks") and _running(settings, "api"))
    stop(settings, ["tasks"])
    assert {s.name: s.state for s in status(settings)} == {"tasks": "STOPPED", "api": "RUNNING"}


def test_a_program_deaf_to_sigterm_is_killed_after_its_wait(settings, supervised):
    control = supervised(tasks=DEAF)
    pid = eventually(lambda: _running(settings, "tasks"))
    control.stop(["tasks"], timeout_s=10)
    assert not psutil.pid_exists(pid)


def test_starting_again_leaves_what_runs_alone(settings, supervised):
    supervised(tasks=SLEEP)
    first = eventually(lambda: _running(settings, "tasks"))
    control = supervised(tasks=SLEEP)
    assert _running(settings, "tasks") == first
    assert control.pid()


def test_a_changed_program_is_taken_over_and_the_others_are_left_alone(settings, supervised):
    supervised(tasks=SLEEP, api=SLEEP)
    first = eventually(lambda: _running(settings, "tasks"))
    api = eventually(lambda: _running(settings, "api"))
    supervised(tasks=f"{SLEEP} # changed", api=SLEEP)
    assert eventually(lambda: _running(settings, "tasks")) != first
    assert _running(settings, "api") == api


def test_a_crash_at_start_is_shown_and_does_not_hide_the_rest(settings, supervised):
    supervised(tasks="raise SystemExit('no camera')", api=SLEEP)
    eventually(lambda: _running(settings, "api"))
    assert _running(settings, "tasks") is None
    assert "no camera" in (settings.logs_dir / "tasks.out.log").read_text()


def test_a_terminals_interrupt_does_not_reach_the_daemons(settings, supervised):
    control = supervised(tasks=SLEEP)
    pid = eventually(lambda: _running(settings, "tasks"))
    assert os.getsid(pid) != os.getsid(0)
    assert os.getsid(control.pid()) != os.getsid(0)


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(settings, supervised):
    control = supervised(tasks=FORK, api=SLEEP)
    pids = [eventually(lambda n=n: _running(settings, n)) for n in ("tasks", "api")]
    eventually(lambda: psutil.Process(pids[0]).children())
    pids += [child.pid for child in psutil.Process(pids[0]).children()]
    os.kill(control.pid(), signal.SIGKILL)
    eventually(lambda: control.pid() is None)
    assert {s.state for s in status(settings)} == {"ORPHANED"}
    supervised(tasks=SLEEP)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert eventually(lambda: _running(settings, "tasks"))


def test_children_end_with_a_program_that_is_killed_for_being_deaf(settings, supervised):
    control = supervised(tasks=f"import signal; signal.signal(15, signal.SIG_IGN); {FORK}")
    pid = eventually(lambda: _running(settings, "tasks"))
    (child,) = eventually(lambda: psutil.Process(pid).children())
    control.stop(["tasks"], timeout_s=10)
    eventually(lambda: not child.is_running())


def test_a_killed_program_that_holds_a_port_by_its_children_gets_it_back(settings, tmp_path):
    port = ports.any_free()
    serve = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', '{port}'])"
    )
    alone = (sys.executable, "-m", "streaming.supervision.alone", "dagster")
    program = Program(
        "dagster", (*alone, sys.executable, "-c", serve), settings.logs_dir / "dagster.out.log"
    )
    try:
        daemon.ensure(settings, [program], print).start(["dagster"])
        eventually(lambda: ports.is_listening(port))
        # The port may listen before supervisord counts the program as running.
        first = eventually(lambda: _running(settings, "dagster"))
        (child,) = psutil.Process(first).children()
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not child.is_running() and ports.is_listening(port))
        assert eventually(lambda: _running(settings, "dagster")) != first
    finally:
        daemon.end(settings, [program], print)
    assert orphans.find(settings.state_dir) == []


def test_with_no_supervisor_there_is_nothing_to_show_or_to_stop(settings):
    assert status(settings) == ()
    with pytest.raises(ServiceError, match="supervisord does not answer"):
        stop(settings, ["tasks"])


def test_a_long_state_folder_works(tmp_path, monkeypatch):
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    short = (
        tempfile.mkdtemp()
    )  # a socket's path has 107 bytes, and pytest's folder takes most of them
    monkeypatch.setattr(daemon.tempfile, "gettempdir", lambda: short)
    settings = load(folder, {"TRAFFICMON_STATE_DIR": str(folder / "state")})
    settings = settings.model_copy(update={"logs_dir": folder / "logs"})
    program = Program("api", (sys.executable, "-c", SLEEP), folder / "logs" / "api.out.log")
    try:
        daemon.ensure(settings, [program], print).start(["api"])
        assert eventually(lambda: _running(settings, "api"))
    finally:
        daemon.end(settings, [program], print)
    assert orphans.find(settings.state_dir) == []
