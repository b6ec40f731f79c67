"""The lakehouse: every message once, any question any time. DuckLake through DuckDB."""

from streaming.lake.ask import Answer, ask, written_as
from streaming.lake.catalog import LakeUnavailable, connect, opened

__all__ = ["Answer", "LakeUnavailable", "ask", "connect", "opened", "written_as"]
