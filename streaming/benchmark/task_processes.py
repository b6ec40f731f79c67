"""The engines of `trafficmon bench tasks`, each as a process of its own."""

import json
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psutil

from streaming.benchmark import task_bare
from streaming.benchmark.flink_cluster import kill
from streaming.errors import DownloadFailed
from streaming.kafka.clients import group_id
from streaming.settings import Settings
from streaming.tasks import flink, worker
from streaming.tasks.policy import policy_of

ENGINES = ("python", "bare", "quixstreams", "flink")
_QUIX = flink.PROJECT_ROOT / ".venv-quixstreams"
_INSTALL_TIMEOUT_S = 600
_END_S = 40


@contextmanager
def engine_process(
    engine: str, settings: Settings, say: Callable[[str], None]
) -> Iterator[psutil.Process]:
    """The engine at work, for the length of the block.

    Raises:
        DownloadFailed: its environment is not here and cannot be installed.
    """
    if engine in ("python", "bare"):
        target, args = (worker.run, ("bench",)) if engine == "python" else (task_bare.run, ())
        with _spawned(target, (settings, *args)) as own:
            yield own
        return
    if engine == "flink":
        flink.prepare(say)
        submission = flink.Submission()
        words = flink.command(flink.job_file(settings, submission), submission)
        environment = flink.environment()
    else:
        _prepare_quix(say)
        job = settings.state_dir.absolute() / "bench-quixstreams.json"
        job.parent.mkdir(parents=True, exist_ok=True)
        job.write_text(json.dumps(_quix_job(settings)))
        words = [str(_QUIX / "bin/python"), "-m", "streaming.benchmark.task_rival", str(job)]
        environment = os.environ | {"PYTHONPATH": str(flink.PROJECT_ROOT)}
    log = settings.state_dir.absolute() / f"bench-{engine}.log"
    with log.open("w") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        kill(process.pid)
        process.wait()


@contextmanager
def _spawned(target: Callable[..., None], args: tuple[object, ...]) -> Iterator[psutil.Process]:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join()


def _prepare_quix(say: Callable[[str], None]) -> None:
    if (_QUIX / ".ready").exists():
        return
    say(f"Quix Streams: installing it into {_QUIX.name}, once …")
    try:
        subprocess.run(
            ["make", "quixstreams"],
            cwd=flink.PROJECT_ROOT,
            check=True,
            capture_output=True,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise DownloadFailed(f"Quix Streams could not be installed: {exc}") from exc


def _quix_job(settings: Settings) -> dict[str, object]:
    topics = settings.kafka.topics
    return {
        "bootstrap_servers": settings.kafka.bootstrap_servers,
        "group": group_id(settings.kafka, "tasks"),
        "source": topics.detection_results.name,
        "target": topics.assessment_tasks.name,
        "state_dir": str(settings.state_dir.absolute() / "quixstreams"),
        "policy": asdict(policy_of(settings).plan),
    }
