"""Room on the disk that Kafka, Redis and the lake write to."""

import shutil
from pathlib import Path

from streaming.errors import DiskFull

MIN_FREE_BYTES = 1 << 30


def require_space(state_dir: Path, min_free_bytes: int = MIN_FREE_BYTES) -> None:
    """Make the folder, and see that its disk has room.

    Raises:
        DiskFull: the folder cannot be made or written to, or less than 1 GiB is free.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(state_dir).free
    except OSError as exc:
        raise DiskFull(
            f"cannot write to {state_dir} ({exc.strerror}); "
            "set TRAFFICMON_STATE_DIR to a folder on a disk with room"
        ) from exc
    if free < min_free_bytes:
        raise DiskFull(
            f"only {free >> 20} MiB free at {state_dir}, {min_free_bytes >> 20} MiB are needed; "
            "make room, or set TRAFFICMON_STATE_DIR to a folder on another disk"
        )
