"""Write the result of a query directly to a Parquet file."""

from pathlib import Path

import duckdb

from streaming.lake.catalog import opened
from streaming.lake.one_state import of_one_state
from streaming.lake.query import QueryError
from streaming.settings import Settings


def write_parquet(settings: Settings, query: str, file: Path) -> int:
    """The rows written.

    Raises:
        LakeUnavailable: there is no lake yet.
        QueryError: the SQL is wrong, or the file cannot be written.
    """
    target = str(file).replace("'", "''")
    copy = f"COPY ({query.strip().rstrip(';')}) TO '{target}' (FORMAT parquet)"
    with opened(settings, read_only=True) as con:
        try:
            row = of_one_state(con, lambda: con.execute(copy).fetchone())
        except duckdb.Error as exc:
            raise QueryError(str(exc)) from exc
    return 0 if row is None else int(row[0])
