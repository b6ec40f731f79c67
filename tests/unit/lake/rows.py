"""Messages brought into a lake without a broker: staged and inserted as ingestion does."""

from streaming.lake.batch import Batch
from streaming.lake.staging import stage, staged
from streaming.lake.streams import STREAMS
from streaming.messages import encode


def stream(name):
    return next(stream for stream in STREAMS if stream.name == name)


def batch_of(name, *values):
    """A batch of messages or raw bytes, all of partition 0, offsets from 0."""
    batch = Batch()
    for offset, value in enumerate(values):
        raw = value if isinstance(value, bytes) else encode(value)
        batch.add(0, offset, raw, stream(name).message_type)
    return batch


def bring(con, name, *values):
    """Put messages into the tables of a stream; returns what was rejected."""
    batch = batch_of(name, *values)
    stage(con, stream(name), batch)
    for target in stream(name).targets:
        con.execute(f"INSERT INTO {target.table.name} FROM {staged(target.table.name)}")
    return batch.rejected
