"""`trafficmon migrate`: a lake of an earlier version brought up to date, its catalog kept first."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from streaming.lake.catalog import catalog_address, duck, extension_file, opened
from streaming.lake.schema import VERSION, Step, ensure_schema, pending, version
from streaming.lake.sqlite_copy import copy_sqlite
from streaming.settings import Settings


@dataclass(frozen=True, slots=True)
class Migration:
    """`found` is None where there is no lake; `backup` is None where nothing was changed."""

    found: int | None
    steps: tuple[Step, ...]
    backup: Path | None

    @property
    def summary(self) -> str:
        """For a person, a line a step."""
        if self.found is None:
            return f"no tables yet: the first ingestion makes them, at version {VERSION}"
        if not self.steps:
            return f"the lake is at version {VERSION}: nothing to do"
        lines = [f"{step.to - 1} -> {step.to}: {step.description}" for step in self.steps]
        if self.backup:
            lines.append(f"the catalog as it was: {self.backup}")
        return "\n".join(lines)


def migrate(settings: Settings, *, dry_run: bool = False) -> Migration:
    """Bring the lake to this program's version; a dry run only tells what it would do.

    The backup is of the catalog: data files are never changed, and those that a migration
    replaces stay until snapshots expire.

    Raises:
        LakeUnavailable: there is no lake, it is newer than this program, or it stayed busy.
    """
    with opened(settings, read_only=True) as con:
        found = version(con)
    steps = () if found is None else pending(found)
    if dry_run or not steps:
        return Migration(found, steps, None)
    backup = back_up(settings, f"v{found}")
    with opened(settings) as con:
        ensure_schema(con)
    return Migration(found, steps, backup)


def prepare(settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    """`ensure_schema` for who writes: a lake that it would migrate is backed up first."""
    found = version(con)
    if found is not None and pending(found):
        back_up(settings, f"v{found}")
    ensure_schema(con)


def back_up(settings: Settings, label: str) -> Path:
    """The catalog as it is now, in `<state_dir>/lake/backups`; readers and writers go on."""
    kind, _, place = catalog_address(settings).partition(":")
    folder = settings.state_dir / "lake" / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"catalog-{label}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    if kind == "sqlite":
        file = folder / f"{name}.sqlite"
        copy_sqlite(Path(place), file)
        return file
    return _copy_of_postgres(settings, place, folder / f"{name}.duckdb")


def _copy_of_postgres(settings: Settings, address: str, file: Path) -> Path:
    """Every table of the catalog, in one state of it; without keys, which DuckDB cannot copy.

    The database may hold tables of others too, which are none of ours to copy.
    """
    with duck(settings, str(file)) as con:
        con.execute(f"LOAD '{extension_file('postgres_scanner')}'")
        quoted = address.replace("'", "''")
        con.execute(f"ATTACH '{quoted}' AS kept (TYPE postgres, READ_ONLY)")
        con.execute("BEGIN")
        tables = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'kept'"
            " AND schema_name = 'public' AND starts_with(table_name, 'ducklake_')"
        ).fetchall()
        for (table,) in tables:
            con.execute(f'CREATE TABLE "{table}" AS FROM kept.public."{table}"')
        con.execute("COMMIT")
    return file
