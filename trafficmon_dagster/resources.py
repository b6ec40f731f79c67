"""What assets and sensors are given: the settings and the lake; nothing connects before use."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings


class Trafficmon(dg.ConfigurableResource[None]):
    """The settings of `config/` and the environment, read anew for each run and tick."""

    config_dir: str | None = Field(
        default=None, description="Where the settings lie, if not ./config"
    )

    def settings(self) -> "Settings":
        """Raises ConfigError, which lists every problem."""
        from streaming.settings import load

        return load(Path(self.config_dir) if self.config_dir else None)

    @contextmanager
    def lake(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The lake to write to; its tables are created if it is new, migrated if it is older."""
        from streaming.lake import opened
        from streaming.lake.migrate import prepare

        settings = self.settings()
        with opened(settings) as con:
            prepare(settings, con)
            yield con

    @contextmanager
    def lake_to_read(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The lake as it stands, read only. Raises LakeUnavailable where there is none yet."""
        from streaming.lake import opened

        with opened(self.settings(), read_only=True) as con:
            yield con
