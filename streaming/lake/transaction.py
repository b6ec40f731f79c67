"""Change the lake in one transaction, repeated if another writer was first."""

from collections.abc import Callable
from typing import TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from streaming.lake.catalog import LakeUnavailable, lost_race

T = TypeVar("T")
ATTEMPTS = 12


def transaction(con: duckdb.DuckDBPyConnection, change: Callable[[], T]) -> T:
    """Run `change` between BEGIN and COMMIT; after a lost race, all of it again.

    `change` must read within the transaction what it decides upon, and keep it short:
    with a catalog in SQLite a writer that began before another one's commit has to start
    over.

    Raises:
        LakeUnavailable: twelve attempts (some 10 s) lost the race.
    """
    return retried(lambda: _once(con, change))


def retried(change: Callable[[], T]) -> T:
    """The same for a change that is a transaction by itself.

    Raises:
        LakeUnavailable: twelve attempts (some 10 s) lost the race.
    """
    attempts = Retrying(
        retry=retry_if_exception(lost_race),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.05, max=2.0),
        reraise=True,
    )
    try:
        return attempts(change)
    except duckdb.Error as exc:
        if lost_race(exc):
            raise LakeUnavailable(f"the lake stayed busy: {exc}") from exc
        raise


def _once(con: duckdb.DuckDBPyConnection, change: Callable[[], T]) -> T:
    con.execute("BEGIN")
    try:
        result = change()
        con.execute("COMMIT")
    except BaseException:
        roll_back(con)
        raise
    return result


def roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Undo what was begun, if an error has not done so already."""
    try:
        con.execute("ROLLBACK")
    except duckdb.TransactionException:
        # A COMMIT that failed has rolled back already.
        return
