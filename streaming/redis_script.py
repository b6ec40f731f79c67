"""A Lua script on a pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Script:
    """Goes along as text, 0.3 to 1 kB: Redis compiles it once.

    By its hash it would have to be known to every node of a Cluster, also to one that joins,
    and redis-py asks one server for it with a round trip before each pipeline.
    """

    def __init__(self, path: Path) -> None:
        self._text = path.read_text(encoding="utf-8")

    def add(self, pipe: Any, *, keys: Sequence[str], args: Sequence[Any]) -> None:
        """Put a call on the pipe; all keys must lie in one hash slot."""
        pipe.execute_command("EVAL", self._text, len(keys), *keys, *args)
