"""`trafficmon sql` and `migrate` as people use them: arguments, pipes, files, a terminal."""

import json
import os
import pty
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from streaming.lake import opened
from streaming.lake.schema import ensure_schema
from streaming.settings import load
from tests.builders import risk_assessment
from tests.unit.lake.rows import bring
from tests.waiting import eventually

COUNT = "select risk_level, count(*) as n from assessments group by 1"


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sql")
    environ = {"TRAFFICMON_STATE_DIR": str(folder / "state")}
    with opened(load(folder, environ)) as con:
        ensure_schema(con)
        bring(con, "assessments", *[risk_assessment(message_id=f"m{n}") for n in range(3)])
    return os.environ | environ


def run(environ, *arguments, text=None):
    command = [sys.executable, "-m", "streaming.cli", *arguments]
    return subprocess.run(
        command, env=environ, capture_output=True, input=text, timeout=120, check=False
    )


def test_one_question_in_every_form(environ, tmp_path):
    table = run(environ, "sql", COUNT).stdout.decode()
    assert "| medium     | 3 |" in table
    assert run(environ, "sql", COUNT, "--format", "csv").stdout == b"risk_level,n\nmedium,3\n"
    found = json.loads(run(environ, "sql", COUNT, "--format", "json").stdout)
    assert found == [{"risk_level": "medium", "n": 3}]
    piped = tmp_path / "piped.parquet"
    piped.write_bytes(run(environ, "sql", COUNT, "--format", "parquet").stdout)
    written = tmp_path / "written.parquet"
    run(environ, "sql", COUNT + ";", "--format", "parquet", "--output", str(written))
    for file in (piped, written):
        assert duckdb.sql(f"FROM '{file}'").fetchall() == [("medium", 3)]


def test_statements_come_from_a_pipe(environ):
    done = run(environ, "sql", "--format", "csv", text=b"select 1 as a;\nselect\n 2 as b;\n")

    assert done.stdout == b"a\n1\nb\n2\n"


def test_a_wrong_question_is_one_line_and_an_exit_code(environ):
    done = run(environ, "sql", "select * from nowhere")

    assert done.returncode != 0
    assert b"QueryError" in done.stderr
    assert b"Traceback" not in done.stderr


@contextmanager
def shell(environ):
    """`trafficmon sql` at a terminal, and how to type there."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "streaming.cli", "sql"]
    with subprocess.Popen(
        command, env=environ, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        yield process, lambda text: os.write(controller, text.encode())
    os.close(terminal)
    os.close(controller)


def test_the_shell_answers_goes_on_after_an_error_and_ends(environ):
    with shell(environ) as (process, write):
        write(f"select nothing_here;\n{COUNT}\n order by 1;\n.tables\n.quit\n")
        said = process.communicate(timeout=120)[0].decode()

    assert process.returncode == 0
    assert "QueryError" in said
    assert "| medium     | 3 |" in said
    assert "camera_activity" in said
    assert "skipped_groups" in said


def test_questions_leave_the_processor_to_ingestion(environ):
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with shell(environ) as (process, write):
        eventually(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == max(own, 19))
        write(".quit\n")
        process.communicate(timeout=60)


def test_migrate_has_nothing_to_do_with_a_lake_of_today(environ):
    script = Path(__file__).parents[2] / "scripts" / "migrate_schema.py"
    by_name = run(environ, "migrate", "--dry-run")
    by_script = subprocess.run(
        [sys.executable, script], env=environ, capture_output=True, timeout=120, check=True
    )

    assert b"nothing to do" in by_name.stdout
    assert by_script.stdout == by_name.stdout
