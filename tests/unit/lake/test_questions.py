"""docs/lake-questions.md: every question runs, on a lake that has something to answer."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streaming.lake import ask, opened
from streaming.lake.schema import ensure_schema
from streaming.messages import Failure, SkippedGroup, task_id
from streaming.settings import load
from tests.builders import assessment_task, detection_result, risk_assessment, skipped_groups
from tests.unit.lake.rows import bring

PAGE = Path(__file__).parents[3] / "docs" / "lake-questions.md"
QUESTIONS = re.findall(
    r"\*\*(\d+)\. .*?```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.fixture(scope="module")
def lake_of_today(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    settings = load(folder, {"TRAFFICMON_STATE_DIR": str(folder / "state")})
    now = datetime.now(UTC) - timedelta(minutes=1)
    # Yesterday if the day is only just begun: questions begin at midnight.
    at = max(now, now.replace(hour=0, minute=0, second=0, microsecond=0))
    like = task_id("m0", 0)
    with opened(settings) as con:
        ensure_schema(con)
        bring(con, "detections", *[frame(f"m{n}", at) for n in range(4)])
        bring(con, "tasks", *[task(f"m{n}", at) for n in range(4)])
        bring(
            con,
            "assessments",
            risk_assessment(message_id="m0", captured_at=at, risk_level="high"),
            risk_assessment(message_id="m1", captured_at=at),
            risk_assessment(
                message_id="m2", captured_at=at, status="failed", error=Failure("timeout", "35 s")
            ),
        )
        groups = (SkippedGroup(0, "repeat", like), SkippedGroup(1, "rate"))
        bring(con, "skipped", skipped_groups(message_id="m3", captured_at=at, skipped=groups))
        con.execute("INSERT INTO key_checks VALUES (now()::TIMESTAMP, 'key_1', false, 80, '401')")
    return settings


def frame(message_id, at):
    return detection_result(message_id=message_id, captured_at=at)


def task(message_id, at):
    return assessment_task(message_id=message_id, captured_at=at)


def test_there_are_twenty():
    assert [number for number, _ in QUESTIONS] == [str(n) for n in range(1, 21)]


@pytest.mark.parametrize(("number", "query"), QUESTIONS, ids=lambda part: part[:2])
def test_a_question_has_an_answer(lake_of_today, number, query):
    assert ask(lake_of_today, query).rows


def test_a_skipped_group_has_the_level_of_the_verdict_that_stands_for_it(lake_of_today):
    (row,) = ask(lake_of_today, dict(QUESTIONS)["19"]).rows

    assert row[2:4] == (0, "high")


def test_dangers_are_counted_by_their_type(lake_of_today):
    rows = ask(lake_of_today, "SELECT risk_type, high, medium FROM alerts_by_type").rows

    assert rows == (("车辆靠近行人", 1, 1),)
