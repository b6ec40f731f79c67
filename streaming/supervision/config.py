"""supervisord.conf, written from programs. Pure."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming.supervision.programs import INFRASTRUCTURE, Program

MAX_SOCKET_PATH_BYTES = 100
"""Linux allows 107, macOS 103."""

_ROTATE_AT = "5MB"
_START_RETRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where supervisord keeps its files."""

    home: Path
    socket: Path
    log_file: Path
    run_as_root: bool

    @property
    def config(self) -> Path:
        return self.home / "supervisord.conf"

    @property
    def pid_file(self) -> Path:
        return self.home / "supervisord.pid"


def socket_path(home: Path, temporary: Path, uid: int) -> Path:
    """A Unix socket in `home`, or, where that path is too long for one, in a short folder."""
    socket = home / "supervisor.sock"
    if len(bytes(socket)) <= MAX_SOCKET_PATH_BYTES:
        return socket
    digest = hashlib.blake2b(bytes(home), digest_size=6).hexdigest()
    return temporary / f"trafficmon-{uid}" / f"{digest}.sock"


def render(layout: Layout, programs: Sequence[Program]) -> str:
    """The whole file. Programs that come first in the list start first and stop last."""
    head: dict[str, dict[str, object]] = {
        "unix_http_server": {"file": layout.socket, "chmod": "0700"},
        "supervisord": {
            "logfile": layout.log_file,
            "logfile_maxbytes": _ROTATE_AT,
            "logfile_backups": 1,
            "pidfile": layout.pid_file,
            "childlogdir": layout.log_file.parent,
            # Without it, supervisord warns at every start that nobody dropped privileges.
            **({"user": "root"} if layout.run_as_root else {}),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": ("supervisor.rpcinterface:make_main_rpcinterface"),
        },
    }
    sections = head | {f"program:{p.name}": _program(p) for p in programs}
    return "\n".join(
        f"[{name}]\n" + "".join(f"{k}={_escaped(v)}\n" for k, v in values.items())
        for name, values in sections.items()
    )


def _program(program: Program) -> dict[str, object]:
    group = "true" if program.whole_group else "false"
    # supervisord's own `environment=` knows no escapes; env replaces itself by the program.
    variables = ("/usr/bin/env", *(f"{k}={v}" for k, v in sorted(program.env.items())))
    return {
        "command": " ".join(_quoted(word) for word in (*variables, *program.command)),
        "directory": program.working_dir,
        "priority": 10 if program.name in INFRASTRUCTURE else 100,
        "autostart": "true" if program.autostart else "false",
        "autorestart": "true" if program.restart else "false",
        "startsecs": 1,
        # supervisord waits a second longer after each start that fails at once.
        "startretries": _START_RETRIES,
        "stopsignal": "TERM",
        "stopwaitsecs": round(program.stop_wait_s),
        "stopasgroup": group,
        # What a killed program started ends with it, as far as it stayed in its group.
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": program.log_file,
        "stdout_logfile_maxbytes": _ROTATE_AT,
        "stdout_logfile_backups": 1,
    }


def _quoted(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    # After a blank, ; and # would begin a comment: two quotes in between are no character.
    return '"' + re.sub(r"(\s)([;#])", r'\1""\2', quoted) + '"'


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
