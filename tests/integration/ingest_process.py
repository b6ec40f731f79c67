"""Ingestion in a process of its own, for tests that kill it: ingest_process SETTINGS MOMENT N.

Says each moment that it passes ("staged", "moved", "inserted", "committed"). At the Nth
MOMENT it says "here" and waits for ever, unless MOMENT begins with "+": then it goes on, so
that the killing falls into what comes next.
"""

import pickle
import sys
import time
from pathlib import Path

from streaming.lake import ingest, opened, source
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import STREAMS

source.BATCH_MESSAGES = 300
source._FETCH_MESSAGES = 300


def main() -> None:
    settings = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - our own file
    moment, nth = sys.argv[2], int(sys.argv[3])
    passed = 0

    def at(name):
        nonlocal passed
        if name != moment.lstrip("+"):
            return
        passed += 1
        if passed == nth:
            sys.stdout.write("here\n")
            sys.stdout.flush()
            if not moment.startswith("+"):
                time.sleep(600)

    stage, advance, transaction = ingest.stage, ingest.advance, ingest.transaction

    def staged(*args):
        stage(*args)
        at("staged")

    def moved(*args, **kwargs):
        advance(*args, **kwargs)
        at("moved")

    def in_transaction(con, change):
        def whole():
            change()
            at("inserted")

        transaction(con, whole)
        at("committed")

    ingest.stage, ingest.advance, ingest.transaction = staged, moved, in_transaction
    with opened(settings) as con:
        ensure_schema(con)
        for stream in STREAMS:
            ingest.ingest(con, settings.kafka, stream)


if __name__ == "__main__":
    main()
