"""Flink for tests: its own environment, prepared here in CI and where it is there already."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.benchmark.flink_cluster import kill
from streaming.settings import Settings
from streaming.tasks import flink


def needed() -> None:
    """Skip the test where Flink's environment is missing; CI prepares it (28 s)."""
    if not (flink.ENVIRONMENT / ".ready").exists() and os.environ.get("CI") != "true":
        pytest.skip(".venv-flink is missing: make flink")
    flink.prepare(print)


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
