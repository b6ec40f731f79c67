"""A reader's terminal: a shell in a folder, in a network of its own, where every port is free.

So the commands of a page run as they are written, `localhost:5000` and all, beside whatever
else this machine runs.
"""

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.docs.page import Block
from tests.waiting import eventually

_LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: UP, RUNNING
os.execvp(sys.argv[1], sys.argv[1:])
"""
_OWN_NETWORK = ("unshare", "--map-root-user", "--net")
# Whatever fails is told, not only what comes last; the terminal itself goes on.
_RUN = """
trap 'failed=${{failed:-"$? $BASH_COMMAND"}}' ERR
failed=; source {script} >{out} 2>&1 </dev/null
trap - ERR; printf '%s' "${{failed:-0 }}" >{end}.part; mv {end}.part {end}
"""


_END_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a block ended: of the first command that failed, its exit code and its words."""

    exit_code: int
    failed: str
    out: str


class Terminal:
    """Runs blocks of commands one after another; variables and the folder stay as they leave them.

    A test that opens one is marked `needs("own-network")`.

    What still runs at the end is ended.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], notes: Path) -> None:
        self._folder, self._environment, self._notes = folder, environment, notes
        self._number = 0
        self._shell: subprocess.Popen[str] | None = None
        self.background: list[Path] = []
        """Where the output of each block in the background goes."""

    def __enter__(self) -> Self:
        self._notes.mkdir(parents=True, exist_ok=True)
        self._shell = subprocess.Popen(
            [*_OWN_NETWORK, sys.executable, "-c", _LOOPBACK_UP, "bash", "--norc", "--noprofile"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        assert self._shell is not None
        left = _in_network_of(self._shell.pid)
        for send in (psutil.Process.terminate, psutil.Process.kill):
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    send(process)
            _, left = psutil.wait_procs(left, timeout=_END_S)
        self._shell.kill()
        self._shell.wait()

    def run(self, block: Block, timeout_s: float) -> Ended:
        """Run a block and wait for its end; one in the background counts as ended at once.

        Raises:
            AssertionError: it has not ended in time.
        """
        self._number += 1
        script, out, end = (self._file(suffix) for suffix in ("sh", "out", "end"))
        script.write_text(block.commands)
        if block.in_background:
            self._type(f"bash {script} >{out} 2>&1 </dev/null &")
            self.background.append(out)
            return Ended(0, "", "")
        if block.for_s is not None:
            waited = f"timeout --signal=INT --kill-after=30 {block.for_s} bash {script}"
            script = self._file("timed.sh")
            # 124: the time was up, as it was meant to be.
            script.write_text(f"{waited} || [ $? -eq 124 ]\n")
        self._type(_RUN.format(script=script, out=out, end=end))
        eventually(end.exists, timeout_s)
        code, _, words = end.read_text().partition(" ")
        return Ended(int(code), words, out.read_text(errors="replace"))

    def _file(self, suffix: str) -> Path:
        return self._notes / f"{self._number:02}.{suffix}"

    def _type(self, line: str) -> None:
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.write(line + "\n")
        self._shell.stdin.flush()


def _in_network_of(pid: int) -> list[psutil.Process]:
    """Every other process in this one's network: also a supervisor in a session of its own."""
    network = Path(f"/proc/{pid}/ns/net").readlink()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            its_own = Path(f"/proc/{process.pid}/ns/net").readlink()
            if process.pid != pid and its_own == network:
                found.append(process)
    return found
