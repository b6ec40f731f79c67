"""supervisord itself: its files, its start, its end."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from streaming.errors import ServiceError
from streaming.settings import Settings
from streaming.supervision import config, orphans
from streaming.supervision.control import Control
from streaming.supervision.programs import Program

_START_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 150.0
_POLL_S = 0.1


def layout(settings: Settings) -> config.Layout:
    """Where this state folder's supervisord keeps its files."""
    home = settings.state_dir.absolute() / "supervisor"
    return config.Layout(
        home=home,
        socket=config.socket_path(home, Path(tempfile.gettempdir()), os.getuid()),
        log_file=settings.logs_dir.absolute() / "supervisord.log",
        run_as_root=os.geteuid() == 0,
    )


def ensure(
    settings: Settings, programs: Sequence[Program], on_progress: Callable[[str], None]
) -> Control:
    """A supervisord that runs with these programs, started now if there is none.

    What an earlier one left behind when it was killed is ended first.

    Raises:
        ServiceError: it does not start.
    """
    place = layout(settings)
    control = Control(place.socket)
    text = config.render(place, programs)
    if control.pid() is not None:
        if place.config.read_text() != text:
            place.config.write_text(text)
            control.reload()
        return control
    orphans.end(settings.state_dir, drain_s=_drain_s(programs), on_progress=on_progress)
    for folder in (place.home, place.socket.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for program in programs:
        program.log_file.parent.mkdir(parents=True, exist_ok=True)
    place.config.write_text(text)
    _launch(settings, place)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while control.pid() is None:
        if time.monotonic() >= deadline:
            raise ServiceError(f"supervisord did not start; see {place.log_file}")
        time.sleep(_POLL_S)
    return control


def end(
    settings: Settings, programs: Sequence[Program], on_progress: Callable[[str], None]
) -> None:
    """Have supervisord end, and see that nothing it started is left."""
    place = layout(settings)
    control = Control(place.socket)
    pid = control.pid()
    if pid is not None:
        control.shutdown()
        _wait_gone(pid, place)
    orphans.end(settings.state_dir, drain_s=_drain_s(programs), on_progress=on_progress)
    place.socket.unlink(missing_ok=True)


def _launch(settings: Settings, place: config.Layout) -> None:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(place.config)]
    environment = os.environ | {orphans.MARK: str(settings.state_dir.absolute())}
    # It forks: this returns when the child is on its way, or has complained.
    done = subprocess.run(
        command,
        env=environment,
        cwd=place.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=_START_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceError(f"supervisord did not start: {said[-1] if said else 'no reason given'}")


def _wait_gone(pid: int, place: config.Layout) -> None:
    try:
        psutil.Process(pid).wait(_END_TIMEOUT_S)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired as exc:
        raise ServiceError(
            f"supervisord (pid {pid}) did not end within {_END_TIMEOUT_S:g} s; see {place.log_file}"
        ) from exc


def _drain_s(programs: Sequence[Program]) -> float:
    return max((p.stop_wait_s for p in programs), default=20.0)
