"""Writing a backup: while everything runs, whole or not at all, for its owner's eyes alone."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import BinaryIO

import msgspec

from streaming.backup import manifest as m
from streaming.backup import postgres
from streaming.errors import DiskFull
from streaming.lake.catalog import catalog_address, data_path, opened
from streaming.lake.schema import version as lake_version
from streaming.lake.sqlite_copy import copy_sqlite
from streaming.settings import Settings

_ONLY_OWNER = 0o600


def back_up(
    settings: Settings, config_dir: Path, target: Path, *, with_data: bool = False
) -> tuple[Path, m.Manifest]:
    """Where it was written, and what is in it; a folder as `target` gets a file named by the time.

    The catalog is copied before the data files: what it names is there, and is removed a day
    after nothing names it any more.

    Raises:
        DiskFull: no room, or no right to write there.
        ServiceError: a PostgreSQL that holds a part of it cannot be read.
    """
    now = datetime.now(UTC)
    if target.is_dir():
        target = target / f"trafficmon-backup-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    with (
        _written(target) as file,
        tempfile.TemporaryDirectory(dir=target.parent) as staging,
        tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar,
    ):
        archive = _Archive(tar)
        schema = _add_lake(archive, settings, Path(staging), with_data=with_data)
        _add_config(archive, config_dir)
        _add_dagster(archive, settings, Path(staging))
        manifest = m.Manifest(
            version=version_of("trafficmon"),
            made_at=now.isoformat(timespec="seconds"),
            files=tuple(archive.entries),
            lake_schema=schema,
            left_out=tuple(archive.left_out),
        )
        archive.write(m.NAME, msgspec.json.format(msgspec.json.encode(manifest)))
    return target, manifest


@contextmanager
def _written(target: Path) -> Iterator[BinaryIO]:
    """A file that has its name when it is whole."""
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as exc:
        raise DiskFull(
            f"the backup {target} cannot be written ({exc.strerror or exc}): "
            "name a file on a disk with room, in a folder that you may write to"
        ) from exc
    finally:
        part.unlink(missing_ok=True)


class _Archive:
    """The tar file, and the list of what is in it."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.entries: list[m.Entry] = []
        self.left_out: list[str] = []
        self._tar = tar

    def add(self, name: str, path: Path) -> None:
        """A file as it is now: hashed as it is written, and never longer than its header says."""
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            hashed = _Hashed(file)
            info = _header(name, stat.st_size, stat.st_mode & 0o777, stat.st_mtime)
            self._tar.addfile(info, hashed)
        self.entries.append(m.Entry(name, stat.st_size, hashed.hexdigest(), info.mode))

    def write(self, name: str, content: bytes) -> None:
        """Bytes as a file that the list does not name."""
        at = datetime.now(UTC).timestamp()
        self._tar.addfile(_header(name, len(content), _ONLY_OWNER, at), io.BytesIO(content))


class _Hashed(io.RawIOBase):
    """A file whose hash is known once it was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self._hash.update(found)
        return found

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _header(name: str, size: int, mode: int, at: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, mode, at
    return info


def _add_config(archive: _Archive, folder: Path) -> None:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = m.CONFIG + path.relative_to(folder).as_posix()
        try:
            archive.add(name, path)
        except PermissionError:
            archive.left_out.append(f"{name}: {path} is not this user's to read")


def _add_lake(
    archive: _Archive, settings: Settings, staging: Path, *, with_data: bool
) -> int | None:
    kind, _, place = catalog_address(settings).partition(":")
    if kind == "sqlite":
        if not Path(place).exists():
            archive.left_out.append("lake: there is none yet")
            return None
        copy = staging / "catalog.sqlite"
        copy_sqlite(Path(place), copy)
        copy.chmod(_ONLY_OWNER)
        archive.add(m.CATALOG, copy)
    else:
        copy = staging / "catalog.dump"
        postgres.dump(place, postgres.LAKE_TABLES, copy, setting="lake.catalog")
        archive.add(m.CATALOG_DUMP, copy)
    copy.unlink()
    with opened(settings, read_only=True) as con:
        schema = lake_version(con)
    _add_data(archive, data_path(settings), with_data=with_data)
    return schema


def _add_data(archive: _Archive, place: str, *, with_data: bool) -> None:
    if "://" in place:
        archive.left_out.append(f"{m.DATA}: {place} is kept by its storage")
    elif not with_data:
        archive.left_out.append(f"{m.DATA}: {place} (--data takes it in)")
    else:
        for path in sorted(Path(place).rglob("*.parquet")):
            archive.add(m.DATA + path.relative_to(place).as_posix(), path)


def _add_dagster(archive: _Archive, settings: Settings, staging: Path) -> None:
    """Runs, events, schedules; what the runs printed is not worth its size."""
    home = settings.state_dir / "dagster"
    copy = staging / "copy.db"
    for path in sorted(home.rglob("*.db")):
        copy_sqlite(path, copy)
        archive.add(m.DAGSTER + path.relative_to(home).as_posix(), copy)
        copy.unlink()
    if (home / "dagster.yaml").exists():
        archive.add(f"{m.DAGSTER}dagster.yaml", home / "dagster.yaml")
    storage = settings.serving.dagster.storage
    if storage is not None:
        postgres.dump(
            storage.get_secret_value(),
            postgres.DAGSTER_TABLES,
            copy,
            setting="serving.dagster.storage",
        )
        archive.add(m.DAGSTER_DUMP, copy)
