"""A lake that an earlier version wrote: opened, kept, brought up to date."""

from pathlib import Path

import pytest

from streaming.lake import LakeUnavailable, ask, opened
from streaming.lake.migrate import migrate
from streaming.lake.schema import VERSION, ensure_schema, version
from streaming.lake.tables import TABLES
from streaming.lake.views import VIEWS
from tests.builders import skipped_groups
from tests.unit.lake.rows import bring

FROZEN = Path(__file__).parents[2] / "frozen"


@pytest.fixture
def old(settings):
    """A lake of version 1 with a verdict in it."""
    with opened(settings) as con:
        for statement in (FROZEN / "lake-v1.sql").read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                con.execute(statement)
        con.execute(
            "INSERT INTO assessments (task_id, message_id, captured_at, status, kafka_offset)"
            " VALUES ('m:0', 'm', now()::TIMESTAMP, 'assessed', 7)"
        )
    return settings


def test_a_dry_run_tells_and_changes_nothing(old):
    told = migrate(old, dry_run=True)

    assert [step.to for step in told.steps] == list(range(2, VERSION + 1))
    assert told.backup is None
    with opened(old, read_only=True) as con:
        assert version(con) == 1


def test_migrating_keeps_rows_adds_what_is_new_and_is_done_once(old):
    done = migrate(old)
    again = migrate(old)

    assert (done.found, again.found, again.steps, again.backup) == (1, VERSION, (), None)
    assert ask(old, "SELECT count(*) FROM verdicts").rows == ((1,),)
    with opened(old) as con:
        bring(con, "skipped", skipped_groups())
        for described in (*TABLES, *VIEWS):
            con.execute(f"FROM {described.name} LIMIT 0")
    assert ask(old, "SELECT version FROM schema_versions ORDER BY 1").rows == tuple(
        (n,) for n in range(1, VERSION + 1)
    )


def test_rows_of_old_that_lived_in_the_catalog_are_in_files_afterwards(old):
    with opened(old) as con:
        con.execute("UPDATE ingestions SET messages = 5 WHERE stream = 'tasks'")
    migrate(old)

    assert ask(old, "SELECT messages FROM ingestions WHERE stream = 'tasks'").rows == ((5,),)
    with opened(old) as con:
        con.execute("UPDATE ingestions SET messages = 6 WHERE stream = 'tasks'")
        assert con.execute("CALL ducklake_flush_inlined_data('lake')").fetchall() == []


def test_a_migrated_lake_has_what_a_new_one_has(old, tmp_path):
    from streaming.settings import load

    query = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE database_name = 'lake' ORDER BY table_name, column_index"
    )
    migrate(old)
    new = load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "new")})
    with opened(new) as con:
        ensure_schema(con)

    assert ask(old, query).rows == ask(new, query).rows


def test_the_backup_is_the_lake_as_it_was(old):
    backup = migrate(old).backup

    was = old.model_copy(update={"lake": old.lake.model_copy(update={"catalog": str(backup)})})
    with opened(was, read_only=True) as con:
        assert version(con) == 1
        assert con.execute("SELECT count(*) FROM assessments").fetchone() == (1,)


def test_a_reader_from_before_goes_on_while_the_lake_is_migrated(old):
    with opened(old, read_only=True) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM verdicts").fetchone() == (1,)
        migrate(old)
        assert reader.execute("SELECT count(*) FROM verdicts").fetchone() == (1,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM skipped_groups").fetchone() == (0,)


def test_where_there_is_no_lake_there_is_nothing_to_migrate(settings):
    with pytest.raises(LakeUnavailable, match="trafficmon demo"):
        migrate(settings)
