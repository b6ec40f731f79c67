"""Whatever comes in, each task has one end, and the record says what it was.

A scheduler of its own process, a real Kafka and Redis, the strict provider simulator.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streaming import redis_keys
from streaming.kafka.admin import ensure_topics
from streaming.messages import AssessmentTask, RiskAssessment
from streaming.redis_client import connect
from tests.integration.test_scheduling import PATIENCE_S, Results, patient, scheduler, send
from tests.provider_simulator import running, sim_keys
from tests.unit.scheduling.cases import a_task, an_object
from tests.waiting import eventually

JPEG = b"\xff\xd8" + b"0" * 1000
VERDICT = {
    "riskLevel": "medium",
    "confidence": 0.9,
    "riskTypes": ["a"],
    "description": "b",
    "dangerObjectCount": 2,
    "triggerObjectIds": [1, 2],
}
LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)


def saying(**changes: Any) -> str:
    return json.dumps(VERDICT | changes)


@dataclass(frozen=True)
class Case:
    """What comes in, what the provider then does, and what must be on record."""

    says: str
    task: Callable[[str], AssessmentTask] = patient
    faults: dict[str, Any] = field(default_factory=dict)
    status: str = "assessed"
    error: str | None = None
    attempts: int = 1
    also: Callable[[RiskAssessment], bool] = lambda _: True


def judged(level: str) -> Callable[[RiskAssessment], bool]:
    return lambda r: (r.risk_level, r.confidence, r.trigger_object_ids) == (level, 0.9, (1, 2))


CASES = [
    Case("a task with an image is judged by it",
         lambda i: patient(i, image_ref="here"), also=lambda r: r.image_used),
    Case("a task without an image is judged by its geometry",
         lambda i: patient(i, image_ref=None), also=lambda r: not r.image_used),
    Case("a task with an expired image is judged by its geometry",
         lambda i: patient(i, image_ref="gone"), also=lambda r: not r.image_used),
    Case("a task with an image of 20 MB is judged by its geometry",
         lambda i: patient(i, image_ref="huge"), also=lambda r: not r.image_used),
    Case("a task with an image that is no JPEG is judged by its geometry",
         lambda i: patient(i, image_ref="page"), also=lambda r: not r.image_used),
    Case("a task with unknown classes is judged",
         lambda i: patient(i, objects=(an_object(1, "horse", (0, 0, 9, 9)),
                                       an_object(2, "```\n无人机" * 50, (9, 0, 20, 9)))),
         also=lambda r: r.risk_level == "none"),
    Case("a task without any object is judged", lambda i: patient(i, objects=())),
    Case("a task past its deadline expires without a call",
         lambda i: a_task(i, captured_at=LONG_AGO, created_at=LONG_AGO, deadline_at=LONG_AGO),
         status="expired", error="deadline", attempts=0),
    Case("a verdict with extra prose is read",
         faults={"content": f"Let me see.\n\n{saying()}\n\nStay {{safe}}!"}, also=judged("medium")),
    Case("a verdict in code fences is read",
         faults={"content": f"```json\n{saying()}\n```"}, also=judged("medium")),
    Case("a verdict with wrong types is read where only one reading is possible",
         faults={"content": saying(confidence="90%", dangerObjectCount="2",
                                   triggerObjectIds=["1", 2.0, None, "x", 99], riskTypes="a")},
         also=judged("medium")),
    Case("a verdict whose confidence is no number fails after one repair",
         faults={"content": saying(confidence={"very": "sure"})},
         status="failed", error="bad_answer", attempts=2),
    Case("a verdict with a risk level that does not exist fails after one repair",
         faults={"content": saying(riskLevel="catastrophic")},
         status="failed", error="bad_answer", attempts=2),
    Case("two verdicts that disagree fail after one repair",
         faults={"content": saying() + saying(riskLevel="none")},
         status="failed", error="bad_answer", attempts=2),
    Case("an answer without a verdict fails after one repair",
         faults={"content": "I am sorry."}, status="failed", error="bad_answer", attempts=2),
    Case("an empty body fails after one repair",
         faults={"empty": True}, status="failed", error="bad_answer", attempts=2),
    Case("a body of 11 MB fails after one repair, unread beyond the limit",
         faults={"huge": True}, status="failed", error="bad_answer", attempts=2,
         also=lambda r: r.error is not None and "provider.max_answer_bytes" in r.error.message),
    Case("a model without JSON mode is asked again without it, at no try's cost",
         faults={"no_json_mode": True}, attempts=2),
    Case("and then is asked without it at once", faults={"no_json_mode": True}),
    Case("a model that the provider does not know fails at once",
         faults={"unknown_models": ["qwen-vl-plus"]},
         status="failed", error="bad_request", also=lambda r: "provider.model" in str(r.error)),
]  # fmt: skip


@pytest.fixture
def provider():
    with running(sim_keys(3, qps=50, rpm=3000)) as simulator:
        yield simulator


def the_end_of(task: AssessmentTask, results: Results, case: Case) -> RiskAssessment:
    try:
        return eventually(lambda: results.by_id().get(task.task_id), timeout_s=PATIENCE_S)
    except AssertionError as exc:
        exc.add_note(case.says)
        raise


def test_each_has_its_end_on_record(make_settings, provider):
    settings = provider.for_settings(make_settings())
    ensure_topics(settings.kafka)
    client = connect(settings.redis)
    for ref, image in (("here", JPEG), ("huge", JPEG[:2] * 10_000_000), ("page", b"<html>")):
        client.set(redis_keys.image(ref), image)
    results = Results(settings)
    with scheduler(settings):
        for number, case in enumerate(CASES):
            provider.break_it(**case.faults)
            task = case.task(f"m-{number}")
            send(settings, task)
            end = the_end_of(task, results, case)
            level_known = end.risk_level != "unknown"
            assert (end.status, end.error and end.error.type, end.attempts, level_known) == (
                case.status, case.error, case.attempts, case.status == "assessed"
            ), f"{case.says}: {end}"  # fmt: skip
            assert case.also(end), f"{case.says}: {end}"
            assert (end.error is None) is (case.status == "assessed")

        provider.break_it()
        send(settings, patient("twice"), patient("twice"))
        eventually(
            lambda: sum(r.task_id == "twice:0" for r in results.read()) == 2, timeout_s=PATIENCE_S
        )
    results.close()
    client.close()
    assert provider.stats()["tasks"]["twice:0"] == 1, "the same task twice is called once"
    assert provider.stats()["largest_request_bytes"] < 100_000, "no picture of 20 MB was sent"
