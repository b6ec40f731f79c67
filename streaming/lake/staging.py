"""A batch as rows in temporary tables, before anything of the lake is touched."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from streaming.lake.batch import Batch
from streaming.lake.streams import Stream

_PARSED = (
    "SELECT json_transform_strict(text, $shape) AS j, kafka_partition, kafka_offset FROM messages"
)


def staged(table: str) -> str:
    """The temporary table that holds the rows on their way to `table`."""
    return f"staged_{table}"


def stage(con: duckdb.DuckDBPyConnection, stream: Stream, batch: Batch) -> None:
    """Flatten the batch's messages; one that the columns cannot hold is added to `rejected`."""
    for target in stream.targets:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {staged(target.table.name)} AS"
            f" FROM {target.table.name} LIMIT 0"
        )
    for index, reason in list(_misfits(con, stream, batch, 0, len(batch.texts))):
        batch.reject(
            batch.partitions[index], batch.offsets[index], reason, batch.texts[index].encode()
        )


def _misfits(
    con: duckdb.DuckDBPyConnection, stream: Stream, batch: Batch, start: int, end: int
) -> Iterator[tuple[int, str]]:
    """Stage messages start..end; where DuckDB refuses (a number too large), halve to find it."""
    if start == end:
        return
    try:
        _flatten(con, stream, batch, start, end)
    except (duckdb.DataError, duckdb.InvalidInputException) as exc:
        if end - start == 1:
            yield start, f"does not fit: {str(exc).splitlines()[0]}"
            return
        middle = (start + end) // 2
        yield from _misfits(con, stream, batch, start, middle)
        yield from _misfits(con, stream, batch, middle, end)


def _flatten(
    con: duckdb.DuckDBPyConnection, stream: Stream, batch: Batch, start: int, end: int
) -> None:
    messages = pa.table(
        {
            "kafka_partition": pa.array(batch.partitions[start:end], pa.int32()),
            "kafka_offset": pa.array(batch.offsets[start:end], pa.int64()),
            "text": pa.array(batch.texts[start:end], pa.string()),
        }
    )
    con.register("messages", messages)
    con.execute("BEGIN")
    try:
        parameters = {"shape": stream.shape_json}
        parsed = _PARSED
        if len(stream.targets) > 1:
            # Once for all of them; for a single table, parsing on the fly is 40 % cheaper.
            con.execute(f"CREATE OR REPLACE TEMP TABLE parsed AS {_PARSED}", parameters)
            parameters, parsed = {}, "FROM parsed"
        for target in stream.targets:
            table = staged(target.table.name)
            con.execute(f"INSERT INTO {table} WITH m AS ({parsed}) {target.select}", parameters)
        con.execute("COMMIT")
    except duckdb.Error:
        con.execute("ROLLBACK")
        raise
    finally:
        con.unregister("messages")
