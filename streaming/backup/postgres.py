"""Tables of ours in a PostgreSQL, dumped and put back by PostgreSQL's own programs."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from streaming.errors import ServiceError
from streaming.logs import mask_url

LAKE_TABLES = ("public.ducklake_*",)
DAGSTER_TABLES = tuple(
    f"public.{name}"
    for name in (
        "alembic_version", "asset_check_executions", "asset_daemon_asset_evaluations",
        "asset_event_tags", "asset_keys", "backfill_tags", "bulk_actions", "concurrency_limits",
        "concurrency_slots", "daemon_heartbeats", "dynamic_partitions", "event_logs",
        "instance_info", "instigators", "job_ticks", "jobs", "kvs", "pending_steps", "run_tags",
        "runs", "secondary_indexes", "snapshots",
    )
)  # fmt: skip
"""The database may hold tables of others too: those are theirs to keep."""

_TIMEOUT_S = 3_600.0


def dump(address: str, tables: Sequence[str], file: Path, *, setting: str) -> None:
    """One state of these tables, in pg_dump's own format.

    Raises:
        ServiceError: there is no pg_dump, or the server refuses.
    """
    patterns = [f"--table={table}" for table in tables]
    _run("pg_dump", address, ["--format=custom", f"--file={file}", *patterns], setting)


def put_back(address: str, file: Path, *, setting: str) -> None:
    """All tables of a dump in place of those that are there; all or nothing.

    Raises:
        ServiceError: there is no pg_restore, or the server refuses.
    """
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", str(file)]
    _run("pg_restore", address, options, setting)


def _run(program: str, address: str, options: Sequence[str], setting: str) -> None:
    from psycopg2.extensions import make_dsn, parse_dsn  # type: ignore[import-untyped]

    found = shutil.which(program)
    if found is None:
        raise ServiceError(
            f"{setting} is a PostgreSQL, and there is no {program}: install postgresql-client"
        )
    # In the environment, not among the words, which `ps` shows to everybody.
    parts = parse_dsn(address)
    password = parts.pop("password", None)
    environ = os.environ | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run(
        [found, f"--dbname={make_dsn(**parts)}", "--no-password", *options],
        env=environ,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or "no reason given").splitlines()[0]
        raise ServiceError(mask_url(f"{program} ({setting}): {said}"))
