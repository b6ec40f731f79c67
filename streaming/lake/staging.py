"""Turn a batch into rows of temporary tables, before the lake itself is touched."""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from streaming.errors import BadMessage
from streaming.lake.batch import Batch
from streaming.lake.streams import Stream
from streaming.messages import decode, encode

_PARSED = "SELECT json_transform(text, $shape) AS j, kafka_partition, kafka_offset FROM messages"
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException, pa.ArrowInvalid, BadMessage)


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
    for index, reason in list(_misfits(con, stream, batch, 0, len(batch.values))):
        batch.reject(batch.partitions[index], batch.offsets[index], reason, batch.values[index])


def _misfits(
    con: duckdb.DuckDBPyConnection, stream: Stream, batch: Batch, start: int, end: int
) -> Iterator[tuple[int, str]]:
    """Stage messages start..end; where DuckDB refuses the bytes, halve to find out which.

    What our decoder reads and DuckDB does not (half a surrogate pair, a time with a small t)
    is tried once more as our encoder writes it.
    """
    if start == end:
        return
    try:
        _flatten(con, stream, batch, start, batch.values[start:end])
    except _REFUSALS as exc:
        if end - start > 1:
            middle = (start + end) // 2
            yield from _misfits(con, stream, batch, start, middle)
            yield from _misfits(con, stream, batch, middle, end)
        elif (reason := _misfit_as_we_write_it(con, stream, batch, start)) is not None:
            yield start, f"does not fit: {reason} ({str(exc).splitlines()[0]})"


def _misfit_as_we_write_it(
    con: duckdb.DuckDBPyConnection, stream: Stream, batch: Batch, index: int
) -> str | None:
    try:
        canonical = encode(decode(batch.values[index], stream.message_type))
        _flatten(con, stream, batch, index, [canonical])
    except _REFUSALS as exc:
        return str(exc).splitlines()[0]
    return None


def _flatten(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    batch: Batch,
    start: int,
    values: Sequence[bytes],
) -> None:
    end = start + len(values)
    messages = pa.table(
        {
            "kafka_partition": pa.array(batch.partitions[start:end], pa.int32()),
            "kafka_offset": pa.array(batch.offsets[start:end], pa.int64()),
            "text": pa.array(values, pa.string()),
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
