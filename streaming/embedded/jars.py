"""Kafka's jars: fetched from Maven Central once, checked, and remembered for starts offline.

Which ones, and their hashes, is fixed in kafka_jars.lock, so nothing is resolved at a start.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from streaming.errors import DownloadFailed
from streaming.file_lock import file_lock

KAFKA_VERSION = "4.4.0"
# slf4j-simple, so that what the broker warns of reaches logs/kafka.out.log.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).with_name("kafka_jars.lock")
_LOCK_TIMEOUT_S = 600.0
_REQUEST_TIMEOUT_S = 30
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar by its Maven coordinates, and the SHA-256 of its bytes in hex."""

    group: str
    artifact: str
    version: str
    sha256: str


Fetch = Callable[[Jar], Path]
"""Where a jar lies on this machine, fetched if it was not there. Raises OSError, RuntimeError."""


def classpath(
    state_dir: Path, on_progress: Callable[[str], None], fetch: Fetch | None = None
) -> list[Path]:
    """The broker's jars, from the note in `state_dir` if every one is still there.

    Raises:
        DownloadFailed: Maven Central cannot be reached, or sends something else.
    """
    wanted = locked()
    note = state_dir / "kafka" / "jars.json"
    paths = _recall(note, wanted)
    if paths:
        return paths
    started = time.monotonic()
    on_progress(f"Kafka {KAFKA_VERSION}: fetching its jars from Maven Central, once …")
    # Two clones that start for the first time would write the same files.
    lock = Path(tempfile.gettempdir()) / f"trafficmon-jars-{os.getuid()}.lock"
    with file_lock(lock, timeout_s=_LOCK_TIMEOUT_S, doing="fetching Kafka's jars"):
        get = fetch or _from_maven
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            paths = list(pool.map(lambda jar: checked(jar, get), wanted))
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({jar.sha256: str(p) for jar, p in zip(wanted, paths, strict=True)}))
    on_progress(f"Kafka {KAFKA_VERSION}: {len(paths)} jars in {time.monotonic() - started:.1f} s")
    return paths


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars that kafka_jars.lock names."""
    jars = []
    for line in lock.read_text().splitlines():
        coordinates, sha256 = line.split(" sha256:")
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, sha256))
    return tuple(jars)


def _recall(note: Path, wanted: tuple[Jar, ...]) -> list[Path] | None:
    try:
        noted = json.loads(note.read_text())
        paths = [Path(noted[jar.sha256]) for jar in wanted]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return paths if all(path.is_file() for path in paths) else None


def checked(jar: Jar, fetch: Fetch | None = None) -> Path:
    """The jar, fetched once more if what lies there is only a part, from a fetch cut off.

    Raises:
        DownloadFailed: Maven Central cannot be reached, or sends something else.
    """
    for _ in range(2):
        try:
            path = (fetch or _from_maven)(jar)
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256:
                    return path
            path.unlink()
        # requests' errors are OSErrors, jgo's own RuntimeErrors.
        except (OSError, RuntimeError) as exc:
            cause = str(exc).splitlines()[0] if str(exc) else repr(exc)
            raise DownloadFailed(_advice(jar, cause)) from exc
    raise DownloadFailed(_advice(jar, "what comes has another SHA-256 than is noted"))


def _from_maven(jar: Jar) -> Path:
    from jgo.maven import MavenContext

    context = MavenContext(timeout=_REQUEST_TIMEOUT_S)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact().resolve())


def _advice(jar: Jar, cause: str) -> str:
    return (
        f"{jar.artifact}-{jar.version}.jar could not be fetched from Maven Central ({cause}); go "
        "online for the first start, or set KAFKA_BOOTSTRAP_SERVERS (kafka.bootstrap_servers) to "
        "a broker you have"
    )
