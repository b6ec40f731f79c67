"""Where Dagster keeps runs and events: SQLite, or PostgreSQL by one setting.

`dagster.yaml` names this class, so that the setting alone decides and the address, which holds
a password, is neither in a file of the instance nor in the environment of its processes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from streaming.settings import load


class Storage(DagsterStorage, ConfigurableClass):
    """Makes the one or the other; never an object of its own."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """`home`: where SQLite's files lie."""
        from dagster import StringSource

        return {"home": StringSource}

    @classmethod
    def from_config_value(  # type: ignore[override]  # as Dagster's own storages do
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterStorage[Any]:
        """What `serving.dagster.storage` asks for. Raises ConfigError."""
        address = load().serving.dagster.storage
        if address is None:
            return DagsterSqliteStorage.from_local(str(Path(config_value["home"])), inst_data)
        from dagster_postgres import DagsterPostgresStorage

        # SQLAlchemy 2.1 would take another driver than the one that dagster-postgres brings.
        _, _, place = address.get_secret_value().partition("://")
        return DagsterPostgresStorage(f"postgresql+psycopg2://{place}", inst_data=inst_data)
