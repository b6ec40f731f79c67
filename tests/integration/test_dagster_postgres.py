"""Dagster's runs and events, in SQLite or by one setting in a real PostgreSQL."""

import re
import tempfile
from pathlib import Path

import dagster as dg
import pytest

from streaming.supervision.dagster_home import prepare_dagster_home
from tests.integration.own_postgres import own_postgres

SETTING = "TRAFFICMON_SERVING__DAGSTER__STORAGE"


@dg.op
def nothing() -> None:
    pass


@dg.job
def something() -> None:
    nothing()


@pytest.fixture
def home(make_settings, monkeypatch):
    """The instance's folder as `trafficmon up` makes it."""
    folder = prepare_dagster_home(make_settings())
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def run_something(home):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = something.execute_in_process(instance=instance)
        return run.run_id, instance.all_logs(run.run_id)


def test_without_the_setting_they_are_in_sqlite(home, monkeypatch):
    monkeypatch.delenv(SETTING, raising=False)

    _, events = run_something(home)

    assert events
    assert list(home.rglob("*.db"))


@pytest.mark.needs("postgres")
def test_with_it_they_are_in_postgres_and_no_file_holds_its_address(home, monkeypatch):
    import psycopg2

    with tempfile.TemporaryDirectory(prefix="trafficmon-pg-") as folder:
        # Its user must be able to reach the folder, which pytest's are not for.
        Path(folder).chmod(0o755)
        with own_postgres(Path(folder)) as database:
            port = re.search(r"port=(\d+)", database("dagster")).group(1)
            address = f"postgresql://lake:a-password@127.0.0.1:{port}/dagster"
            monkeypatch.setenv(SETTING, address)

            run_id, events = run_something(home)

            assert events
            with psycopg2.connect(address) as con, con.cursor() as cursor:
                cursor.execute("SELECT run_id FROM runs")
                assert cursor.fetchall() == [(run_id,)]
            con.close()
    assert not list(home.rglob("*.db"))
    files = [file for file in home.rglob("*") if file.is_file()]
    assert not [f for f in files if "a-password" in f.read_text(errors="replace")]
