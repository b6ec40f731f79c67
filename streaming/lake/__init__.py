"""The lakehouse: every message once, any question any time. DuckLake through DuckDB.

DuckDB is imported with the first name that is asked for: who only wants the tables' columns, as
Dagster's definitions do, does without.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streaming.lake.catalog import LakeUnavailable, connect, opened
    from streaming.lake.query import Answer, ask, give_way, written_as

__all__ = ["Answer", "LakeUnavailable", "ask", "connect", "give_way", "opened", "written_as"]

_HOMES = {
    "Answer": "query", "ask": "query", "give_way": "query", "written_as": "query",
    "LakeUnavailable": "catalog", "connect": "catalog", "opened": "catalog",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
