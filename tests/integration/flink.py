"""Flink for tests that are marked `needs("flink")`."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from streaming.benchmark.flink_cluster import kill
from streaming.settings import Settings
from streaming.tasks import flink


@contextlib.contextmanager
def running(settings: Settings, **submission: object) -> Iterator["subprocess.Popen[bytes]"]:
    """The job on a local cluster; at the end of the block it stops with a savepoint."""
    wanted = flink.Submission(**submission)  # type: ignore[arg-type]
    job = flink.job_file(settings, wanted)
    log = Path(job).with_suffix(".log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            flink.command(job, wanted), env=flink.environment(), stdout=out, stderr=out
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0, log.read_text()[-3000:]
    finally:
        if process.poll() is None:
            kill(process.pid)
            process.wait()
