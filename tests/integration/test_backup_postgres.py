"""A backup of a lake and a Dagster that live in PostgreSQL: made, both databases emptied, put back."""

import os
import subprocess
import tempfile
import uuid
from pathlib import Path

import duckdb
import pytest

from streaming.backup import back_up, restore
from streaming.embedded import ports
from streaming.errors import ServiceError
from streaming.lake import ask, opened
from streaming.lake.catalog import extension_file
from streaming.lake.schema import ensure_schema
from streaming.settings import load
from tests.builders import skipped_groups
from tests.integration.own_postgres import own_postgres
from tests.needs import SEARCHED
from tests.unit.lake.rows import bring

pytestmark = pytest.mark.needs("postgres")
PASSWORD = "p4ss-of-the-server"


@pytest.fixture(scope="module")
def database():
    with tempfile.TemporaryDirectory(prefix="trafficmon-pg-") as folder:
        Path(folder).chmod(0o755)
        with own_postgres(Path(folder)) as made:
            yield made


@pytest.fixture
def environ(database, tmp_path, monkeypatch):
    """One database for both, and for somebody else's table."""
    monkeypatch.setenv("PATH", SEARCHED)
    address = database(f"all_{uuid.uuid4().hex}").removeprefix("postgres:")
    words = dict(word.split("=") for word in address.split())
    url = f"postgresql://lake:{PASSWORD}@{words['host']}:{words['port']}/{words['dbname']}"
    (tmp_path / "config").mkdir()
    return {
        "TRAFFICMON_STATE_DIR": str(tmp_path / "state"),
        "TRAFFICMON_LAKE_CATALOG": url,
        "TRAFFICMON_SERVING__DAGSTER__STORAGE": url,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.any_free()}",
        "TRAFFICMON_SERVING__API__PORT": str(ports.any_free()),
        "TRAFFICMON_SERVING__DAGSTER__PORT": str(ports.any_free()),
    }


def sql(environ, *statements):
    with duckdb.connect() as con:
        con.execute(f"LOAD '{extension_file('postgres_scanner')}'")
        con.execute(f"ATTACH '{environ['TRAFFICMON_LAKE_CATALOG']}' AS server (TYPE postgres)")
        for statement in statements:
            answer = con.execute(statement).fetchall()
    return answer


def test_ours_comes_back_and_what_is_anothers_stays(environ, tmp_path):
    config = tmp_path / "config"
    settings = load(config, environ)
    with opened(settings) as con:
        ensure_schema(con)
        bring(con, "skipped", skipped_groups())
    sql(
        environ,
        "CREATE TABLE server.public.runs AS SELECT 7 AS id",
        "CREATE TABLE server.public.salaries AS SELECT 1 AS amount",
    )

    file, manifest = back_up(settings, config, tmp_path, with_data=True)
    with opened(settings) as con:
        bring(con, "skipped", skipped_groups(message_id="later"))
    sql(
        environ,
        "UPDATE server.public.runs SET id = 8",
        "UPDATE server.public.salaries SET amount = 2",
    )
    restore(config, file, environ)

    assert {e.name for e in manifest.files if "dump" in e.name} == {
        "lake/catalog.dump",
        "dagster.dump",
    }
    assert ask(settings, "SELECT count(*) FROM skipped_groups").rows == ((1,),)
    assert sql(environ, "FROM server.public.runs") == [(7,)]
    assert sql(environ, "FROM server.public.salaries") == [(2,)]
    assert PASSWORD.encode() not in file.read_bytes()


def test_without_its_programs_it_says_what_to_install(environ, tmp_path, monkeypatch):
    settings = load(tmp_path / "config", environ)
    with opened(settings) as con:
        ensure_schema(con)
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(ServiceError, match=r"lake\.catalog is a PostgreSQL.* postgresql-client"):
        back_up(settings, tmp_path / "config", tmp_path)


def test_a_server_that_is_gone_is_one_line_without_the_password(environ, tmp_path, monkeypatch):
    from streaming.backup import postgres

    gone = f"postgresql://lake:{PASSWORD}@127.0.0.1:{ports.any_free()}/all"
    seen = []
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda words, **kw: seen.extend(words) or run(words, **kw)
    )

    with pytest.raises(ServiceError, match=r"lake\.catalog") as raised:
        postgres.dump(gone, postgres.LAKE_TABLES, tmp_path / "x", setting="lake.catalog")

    assert len(str(raised.value).splitlines()) == 1
    assert PASSWORD not in str(raised.value) + str(seen)
