"""A backup made, everything wiped, put back; and every file that must not be put back."""

import io
import json
import shutil
import socket
import sqlite3
import stat
import tarfile
from contextlib import closing
from importlib.metadata import version as version_of

import pytest

from streaming.backup import back_up, restore
from streaming.backup.manifest import BadBackup, Entry, Manifest, check
from streaming.embedded import ports
from streaming.errors import DiskFull, ServiceError
from streaming.lake import ask, opened
from streaming.lake.schema import VERSION, ensure_schema
from streaming.settings import load
from tests.builders import skipped_groups
from tests.unit.lake.rows import bring

SECRET = "sk-never-to-be-seen"


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    (folder / "more").mkdir(parents=True)
    (folder / "api_keys.yaml").write_text(f"api_keys: [{{key: {SECRET}}}]\n")
    (folder / "api_keys.yaml").chmod(0o640)
    (folder / "more" / "note.txt").write_text("by hand\n")
    return folder


@pytest.fixture
def environ(tmp_path):
    """Nothing of ours runs at these ports."""
    return {
        "TRAFFICMON_STATE_DIR": str(tmp_path / "state"),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.any_free()}",
        "TRAFFICMON_SERVING__API__PORT": str(ports.any_free()),
        "TRAFFICMON_SERVING__DAGSTER__PORT": str(ports.any_free()),
    }


@pytest.fixture
def bare(config, environ):
    """Nothing has run yet: settings are all there is."""
    return load(config, environ)


@pytest.fixture
def settings(bare):
    """A lake with a row, and a Dagster that has run once."""
    settings = bare
    with opened(settings) as con:
        ensure_schema(con)
        bring(con, "skipped", skipped_groups())
    home = settings.state_dir / "dagster"
    (home / "history" / "runs").mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with closing(sqlite3.connect(home / "history" / "runs.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE runs (id)")
        db.execute("INSERT INTO runs VALUES (7)")
        db.commit()
    return settings


def skipped(settings):
    return ask(settings, "SELECT count(*) FROM skipped_groups").rows


def rewritten(file, change):
    """The same archive, as `change` makes its files; name to bytes."""
    with tarfile.open(file) as tar:
        files = {i.name: tar.extractfile(i).read() for i in tar}
    change(files)
    with tarfile.open(file, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


def with_manifest(file, **changes):
    def change(files):
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | changes).encode()

    return rewritten(file, change)


def test_everything_is_there_again_after_it_was_wiped(settings, config, environ, tmp_path):
    file, manifest = back_up(settings, config, tmp_path, with_data=True)
    shutil.rmtree(settings.state_dir)
    shutil.rmtree(config)

    done = restore(config, file, environ)

    assert done.kept is None
    assert done.manifest == manifest
    assert skipped(settings) == ((1,),)
    assert SECRET in (config / "api_keys.yaml").read_text()
    assert stat.S_IMODE((config / "api_keys.yaml").stat().st_mode) == 0o640
    assert (config / "more" / "note.txt").read_text() == "by hand\n"
    with closing(sqlite3.connect(settings.state_dir / "dagster" / "history" / "runs.db")) as db:
        assert db.execute("SELECT id FROM runs").fetchall() == [(7,)]
    assert not list(settings.state_dir.glob(".restore-*"))


def test_what_was_there_is_kept_and_data_files_stay_where_they_are(
    settings, config, environ, tmp_path
):
    file, manifest = back_up(settings, config, tmp_path / "kept.tar.gz")
    (config / "api_keys.yaml").write_text("api_keys: [\n")
    with opened(settings) as con:
        bring(con, "skipped", skipped_groups(message_id="another"))

    done = restore(config, file, environ)

    assert skipped(settings) == ((1,),)
    assert SECRET in (config / "api_keys.yaml").read_text()
    assert (done.kept / "config" / "api_keys.yaml").read_text() == "api_keys: [\n"
    assert (done.kept / "lake" / "catalog.sqlite").exists()
    assert any("--data" in line for line in manifest.left_out)


def test_it_is_made_while_others_write_and_is_for_its_owner_alone(settings, config, tmp_path):
    with opened(settings) as con:
        con.execute("BEGIN")
        con.execute("UPDATE ingestions SET messages = 5 WHERE stream = 'tasks'")
        file, manifest = back_up(settings, config, tmp_path)
        con.execute("COMMIT")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert manifest.version == version_of("trafficmon")
    assert manifest.lake_schema == VERSION
    assert [p.name for p in tmp_path.iterdir() if "trafficmon-backup" in p.name] == [file.name]


def test_a_system_that_never_ran_is_backed_up_too(bare, config, environ, tmp_path):
    file, manifest = back_up(bare, config, tmp_path)

    assert {e.name for e in manifest.files} == {"config/api_keys.yaml", "config/more/note.txt"}
    assert restore(config, file, environ).manifest == manifest


def flip(files):
    files["config/more/note.txt"] = b"by hand?"


def forget(files):
    del files["config/more/note.txt"]


def smuggle(files):
    files["../outside"] = b"x"


def cut(files):
    del files["manifest.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flip, "is damaged: config/more/note.txt"),
        (forget, "is damaged: config/more/note.txt"),
        (smuggle, "does not belong"),
        (cut, "no whole backup"),
    ],
)
def test_a_damaged_backup_changes_nothing(bare, config, environ, change, said):
    outside = bare.state_dir.parent / "outside"
    file, _ = back_up(bare, config, bare.state_dir.parent)
    rewritten(file, change)

    with pytest.raises(BadBackup, match=said):
        restore(config, file, environ)

    assert SECRET in (config / "api_keys.yaml").read_text()
    assert not outside.exists()


def test_a_backup_that_is_cut_short_is_refused(bare, config, environ, tmp_path):
    file, _ = back_up(bare, config, tmp_path)
    file.write_bytes(file.read_bytes()[:-500])

    with pytest.raises(BadBackup, match="no whole backup"):
        restore(config, file, environ)


def test_a_backup_with_a_wrong_byte_is_refused(bare, config, environ, tmp_path):
    file, _ = back_up(bare, config, tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)

    with pytest.raises(BadBackup):
        restore(config, file, environ)


def test_what_cannot_be_put_in_place_leaves_everything_as_it_was(
    settings, config, environ, tmp_path, monkeypatch
):
    file, _ = back_up(settings, config, tmp_path)
    (config / "api_keys.yaml").write_text("api_keys: []\n")
    with opened(settings) as con:
        bring(con, "skipped", skipped_groups(message_id="later"))
    move, catalog = shutil.move, settings.state_dir / "lake" / "catalog.sqlite"

    def refuse(source, target):
        if target == catalog and ".restore-" in str(source):
            raise PermissionError(13, "Permission denied", str(target))
        return move(source, target)

    monkeypatch.setattr(shutil, "move", refuse)
    with pytest.raises(DiskFull, match=r"catalog\.sqlite \(Permission denied\)"):
        restore(config, file, environ)

    assert (config / "api_keys.yaml").read_text() == "api_keys: []\n"
    assert skipped(settings) == ((2,),)
    assert not list(settings.state_dir.glob("*restore-*"))


@pytest.mark.parametrize("text", [None, b"", b"PK\x03\x04 a zip"])
def test_another_file_is_refused(config, environ, tmp_path, text):
    file = tmp_path / "some.tar.gz"
    if text is not None:
        file.write_bytes(text)

    with pytest.raises(BadBackup, match=r"some\.tar\.gz"):
        restore(config, file, environ)


@pytest.mark.parametrize(
    "changes", [{"version": "99.0.0"}, {"lakeSchema": VERSION + 1}, {"format": 2}]
)
def test_a_backup_of_a_newer_version_is_refused(bare, config, environ, tmp_path, changes):
    file = with_manifest(back_up(bare, config, tmp_path)[0], **changes)

    with pytest.raises(BadBackup, match="install that version first"):
        restore(config, file, environ)


def test_a_backup_of_an_older_version_is_restored():
    old = Manifest("0.0.9", "2026-01-01", (Entry("config/a", 1, "0", 0o600),), lake_schema=1)

    check(old, version="0.1.0", lake_schema=VERSION)


def test_nothing_is_restored_while_something_runs(bare, config, environ, tmp_path):

    file, _ = back_up(bare, config, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as api:
        busy = environ | {"TRAFFICMON_SERVING__API__PORT": str(api.getsockname()[1])}
        with pytest.raises(ServiceError, match="still running: the API"):
            restore(config, file, busy)


def test_a_full_disk_is_one_line_and_leaves_no_piece(bare, config, tmp_path, monkeypatch):
    def full(*_args, **_kw):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    target = tmp_path / "target"
    target.mkdir()

    with pytest.raises(DiskFull, match="No space left on device"):
        back_up(bare, config, target)

    assert not list(target.iterdir())


def test_a_folder_that_is_not_there_is_one_line(bare, config, tmp_path):
    with pytest.raises(DiskFull, match="gone"):
        back_up(bare, config, tmp_path / "gone" / "file.tar.gz")


def test_a_restore_without_room_changes_nothing(bare, config, environ, tmp_path, monkeypatch):
    file, _ = back_up(bare, config, tmp_path)

    def full(*_args, **_kw):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractfile", full)
    with pytest.raises(DiskFull, match="make room"):
        restore(config, file, environ)

    assert SECRET in (config / "api_keys.yaml").read_text()
    assert not list(bare.state_dir.glob(".restore-*"))


def test_dagsters_tables_are_all_named():
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata

    from streaming.backup.postgres import DAGSTER_TABLES

    every = (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata)
    tables = {f"public.{name}" for metadata in every for name in metadata.tables}
    assert tables == set(DAGSTER_TABLES) - {"public.alembic_version"}
