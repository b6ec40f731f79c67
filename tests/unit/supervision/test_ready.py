"""What `up` and `status` say of programs that run and do not work yet."""

import pytest

from streaming.readiness import GROUP_SEAT, Readiness, note_of
from streaming.settings import load
from streaming.supervision import ProgramStatus, Unready, dagster, unready


@pytest.fixture
def settings(tmp_path):
    return load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")})


def status(name, pid, state="RUNNING", description="pid 7, uptime 0:00:01"):
    return ProgramStatus(name, state, pid, 1.0, description)


def test_a_program_is_ready_by_its_own_word_alone(settings, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 7)
    tasks = Readiness.of(settings, "tasks", "1", GROUP_SEAT)
    found = [status("api", 8), status("tasks", 7), status("kafka", 5)]
    assert unready(settings, found) == (
        Unready("tasks", "waits for its place in the consumer group"),
        Unready("api", "is starting"),
    )
    tasks.reached(GROUP_SEAT)
    assert unready(settings, [status("tasks", 7)]) == ()


def test_what_an_earlier_process_noted_does_not_count(settings, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 6)
    Readiness.of(settings, "tasks", "1")
    assert note_of(settings.state_dir, "tasks", "1").is_file()
    assert unready(settings, [status("tasks", 7)]) == (Unready("tasks", "is starting"),)


def test_a_program_that_does_not_run_is_not_ready(settings):
    dead = status("tasks", None, "BACKOFF", "Exited too quickly")
    assert unready(settings, [dead]) == (Unready("tasks", "backoff: Exited too quickly"),)


LOADED = {"locationOrLoadError": {"__typename": "RepositoryLocation"}}
LOADING = {"locationOrLoadError": None}
BROKEN = {
    "locationOrLoadError": {"__typename": "PythonError", "message": "Traceback\nNo module x\n"}
}
BEATING = {"daemonType": "SENSOR", "required": True, "healthy": True}
SILENT = {"daemonType": "SCHEDULER", "required": True, "healthy": False}
NOT_NEEDED = {"daemonType": "BACKFILL", "required": False, "healthy": None}


@pytest.mark.parametrize(
    ("locations", "daemons", "waits_for"),
    [
        ([LOADED], [BEATING, NOT_NEEDED], None),
        ([], [BEATING], "waits for its code location"),
        ([LOADING], [BEATING], "waits for its code location"),
        ([BROKEN], [BEATING], "its code location does not load: No module x"),
        ([LOADED], [], "waits for its daemon: no word of it yet"),
        ([LOADED], [BEATING, SILENT], "waits for its daemon: scheduler"),
    ],
)
def test_dagster_is_ready_with_its_definitions_loaded_and_its_daemon_healthy(
    locations, daemons, waits_for
):
    data = {
        "workspaceOrError": {"__typename": "Workspace", "locationEntries": locations},
        "instance": {"daemonHealth": {"allDaemonStatuses": daemons}},
    }
    assert dagster.told(data) == waits_for
