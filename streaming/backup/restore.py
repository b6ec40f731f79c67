"""Putting a backup back: verified first, then swapped in; what was there is kept beside."""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path

import msgspec

from streaming.backup import manifest as m
from streaming.backup import postgres
from streaming.backup.running import require_stopped
from streaming.errors import ConfigError, DiskFull
from streaming.lake.catalog import catalog_address, data_path
from streaming.lake.schema import VERSION
from streaming.settings import Settings, folders, load

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and the folder that holds what was there before; None if nothing was."""

    manifest: m.Manifest
    kept: Path | None


def restore(config_dir: Path, file: Path, environ: Mapping[str, str]) -> Restored:
    """Settings, catalog and Dagster's memory as they were; data files too, if they are in it.

    Where things go is by the backup's own settings, with the variables of today.

    Raises:
        BadBackup: no whole backup, or one of a newer version.
        ServiceError: something still runs.
        ConfigError: the backup is of a PostgreSQL that the settings do not name any more.
        DiskFull: no room, or no right to write there; nothing was changed.
    """
    state_dir = folders(environ).state_dir.absolute()
    with _explained(state_dir, config_dir):
        state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=state_dir) as folder:
            staging = Path(folder)
            manifest = _unpacked(file, staging)
            m.check(manifest, version=version_of("trafficmon"), lake_schema=VERSION)
            (staging / m.CONFIG).mkdir(exist_ok=True)
            settings = load(staging / m.CONFIG, environ)
            places = _places(settings, config_dir, manifest)
            require_stopped(settings)
            kept = state_dir / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"
            kept.mkdir(mode=0o700)
            with contextlib.ExitStack() as undo:
                # Last, where nothing of it is left.
                undo.callback(_removed_if_empty, kept)
                _swap(staging, kept, places, undo)
                _put_back_tables(settings, staging, manifest)
                undo.pop_all()
            _removed_if_empty(kept)
    return Restored(manifest, kept if kept.exists() else None)


@contextlib.contextmanager
def _explained(state_dir: Path, config_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        where = exc.filename or state_dir
        raise DiskFull(
            f"cannot read or write {where} ({exc.strerror or exc}): make room, or restore as a "
            f"user who may write to {state_dir} and {config_dir}"
        ) from exc


def _unpacked(file: Path, staging: Path) -> m.Manifest:
    """Every file of the backup in `staging`, as its manifest says it must be."""
    found: dict[str, tuple[int, str]] = {}
    text = b""
    try:
        with tarfile.open(file, "r:gz") as tar:
            for info in tar:
                content = tar.extractfile(info)
                if content is None or not m.is_safe(info.name):
                    raise m.BadBackup(f"{file}: {info.name!r} does not belong into a backup")
                if info.name == m.NAME:
                    text = content.read()
                    continue
                target = staging / info.name
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with target.open("xb") as out:
                    while chunk := content.read(_CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
                found[info.name] = info.size, digest.hexdigest()
        manifest = msgspec.json.decode(text, type=m.Manifest)
    except FileNotFoundError as exc:
        raise m.BadBackup(f"there is no file {file}") from exc
    except (
        tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, msgspec.MsgspecError
    ) as exc:  # fmt: skip
        raise m.BadBackup(f"{file} is no whole backup: {exc}") from exc
    listed = {entry.name: (entry.size, entry.sha256) for entry in manifest.files}
    if wrong := sorted(name for name, _ in found.items() ^ listed.items()):
        raise m.BadBackup(f"{file} is damaged: {wrong[0]} is not as its manifest says")
    for entry in manifest.files:
        (staging / entry.name).chmod(entry.mode)
    return manifest


def _places(settings: Settings, config_dir: Path, manifest: m.Manifest) -> dict[str, Path]:
    """Part of the backup to the file or folder that it replaces."""
    kind, _, place = catalog_address(settings).partition(":")
    wanted = {m.CATALOG: "sqlite", m.CATALOG_DUMP: "postgres"}
    for name, its_kind in wanted.items():
        if manifest.has(name) and kind != its_kind:
            raise ConfigError(
                f"lake.catalog: the backup's catalog is in {its_kind}, the settings' in {kind}"
            )
    if manifest.has(m.DAGSTER_DUMP) and settings.serving.dagster.storage is None:
        raise ConfigError("serving.dagster.storage is not set, and the backup is of a PostgreSQL")
    places = {m.CONFIG: config_dir, m.DAGSTER: settings.state_dir / "dagster"}
    if kind == "sqlite":
        places[m.CATALOG] = Path(place)
    if "://" not in data_path(settings):
        places[m.DATA] = Path(data_path(settings))
    return {name: target for name, target in places.items() if manifest.has(name)}


def _put_back_tables(settings: Settings, staging: Path, manifest: m.Manifest) -> None:
    if manifest.has(m.CATALOG_DUMP):
        address = catalog_address(settings).removeprefix("postgres:")
        postgres.put_back(address, staging / m.CATALOG_DUMP, setting="lake.catalog")
    storage = settings.serving.dagster.storage
    if manifest.has(m.DAGSTER_DUMP) and storage is not None:
        address, dump = storage.get_secret_value(), staging / m.DAGSTER_DUMP
        postgres.put_back(address, dump, setting="serving.dagster.storage")


def _swap(staging: Path, kept: Path, places: dict[str, Path], undo: contextlib.ExitStack) -> None:
    """New in place of old, by renames where both are on one disk; `undo` takes them back."""
    for name, target in places.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        model = (target if target.exists() else target.parent).stat()
        # Of a catalog, what was not written into it yet belongs to the old one too.
        ends = ("", "-wal", "-shm") if name == m.CATALOG else ("",)
        for old in (target.with_name(target.name + end) for end in ends):
            if old.exists():
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                _move(old, (kept / name).with_name(old.name), undo)
        _move(staging / name, target, undo)
        _give_to(model, target)


def _move(source: Path, target: Path, undo: contextlib.ExitStack) -> None:
    shutil.move(source, target)
    undo.callback(shutil.move, target, source)


def _removed_if_empty(kept: Path) -> None:
    """Folders without a file were only made for what was not there."""
    if not any(path.is_file() for path in kept.rglob("*")):
        shutil.rmtree(kept, ignore_errors=True)


def _give_to(model: os.stat_result, restored: Path) -> None:
    """Root restores for the services' user, who must be able to read and write its files."""
    if os.geteuid() == 0:
        for path in (restored, *restored.rglob("*")):
            os.chown(path, model.st_uid, model.st_gid)
    if restored.is_dir() and stat.S_ISDIR(model.st_mode):
        restored.chmod(stat.S_IMODE(model.st_mode))
