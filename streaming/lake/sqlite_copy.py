"""A copy of an SQLite file in one state of it, while others write."""

import sqlite3
from contextlib import closing
from pathlib import Path

from streaming.errors import ServiceError


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy the database with what is still in its write-ahead log; `target` is one file.

    Raises:
        ServiceError: the one cannot be read, or the other not be written.
    """
    try:
        # Not opened to read only: what a killed writer left in the log would be out of reach.
        with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
            from_.backup(to)
    except sqlite3.Error as exc:
        raise ServiceError(f"{source} cannot be copied to {target}: {exc}") from exc
