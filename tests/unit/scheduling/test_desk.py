"""Each task is worked on once, and handed back when its partition goes."""

import asyncio

from streaming.messages import AssessmentTask, Failure, RiskAssessment, decode, encode
from streaming.scheduling.assess import Withdrawn
from streaming.scheduling.case import Progress, unassessed
from streaming.scheduling.desk import Desk, Signature
from streaming.scheduling.intake import Job
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually_async


class Memory:
    def __init__(self) -> None:
        self.ended: dict[str, bytes] = {}

    async def find(self, task_id: str) -> bytes | None:
        return self.ended.get(task_id)

    async def remember(self, task_id: str, encoded: bytes) -> None:
        self.ended[task_id] = encoded


class Judge:
    """Ends a task when told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.go = asyncio.Event()
        self.calling = 0

    def prepare(self, task: AssessmentTask, progress: Progress) -> None:
        """Nothing to fetch."""

    async def assess(self, task: AssessmentTask, progress: Progress) -> RiskAssessment:
        self.seen.append(task.task_id)
        if task.message_id.startswith("calling"):
            progress.calling = True
        if task.message_id == "poison":
            raise ZeroDivisionError("a bug")
        await self.go.wait()
        if progress.withdrawn and task.message_id == "calling-fails":
            raise Withdrawn
        return unassessed(
            task, Failure("x", "y"), model="m", prompt_version="p", now=task.created_at
        )


class Office:
    def __init__(self) -> None:
        self.judge, self.memory = Judge(), Memory()
        self.published: list[tuple[int, RiskAssessment]] = []
        self.desk = Desk(self.judge, self.memory, self._publish, Signature("m", "zh-1"))

    def _publish(self, job: Job, encoded: bytes) -> None:
        self.published.append((job.offset, decode(encoded, RiskAssessment)))

    async def idle(self) -> None:
        await eventually_async(lambda: self.desk.unfinished == 0)


async def test_a_task_is_remembered_and_published():
    office = Office()
    office.judge.go.set()
    office.desk.take([Job(a_task("m"), 0, 7)])
    await office.idle()
    assert [(o, r.task_id) for o, r in office.published] == [(7, "m:0")]
    assert set(office.memory.ended) == {"m:0"}


async def test_a_task_that_ended_before_is_published_again_and_not_judged_again():
    office = Office()
    office.judge.go.set()
    office.desk.take([Job(a_task("m"), 0, 1)])
    await office.idle()
    office.desk.take([Job(a_task("m"), 0, 2)])
    await office.idle()
    assert office.judge.seen == ["m:0"]
    assert [o for o, _ in office.published] == [1, 2]


async def test_the_same_task_twice_at_once_is_judged_once():
    office = Office()
    office.desk.take([Job(a_task("m"), 0, 1), Job(a_task("m"), 0, 2)])
    await eventually_async(lambda: office.judge.seen == ["m:0"])
    office.judge.go.set()
    await office.idle()
    assert office.judge.seen == ["m:0"]
    assert sorted(o for o, _ in office.published) == [1, 2]


async def test_what_waits_is_handed_back_and_what_calls_is_finished():
    office = Office()
    jobs = [
        Job(a_task("waiting"), 3, 1),
        Job(a_task("calling"), 3, 2),
        Job(a_task("calling-fails"), 3, 3),
        Job(a_task("elsewhere"), 4, 4),
    ]
    office.desk.take(jobs)
    await eventually_async(lambda: len(office.judge.seen) == 4)
    withdrawal = asyncio.create_task(office.desk.withdraw([3], 10.0))
    await eventually_async(lambda: office.desk.unfinished == 3)
    office.judge.go.set()
    await withdrawal
    await office.idle()
    assert sorted(o for o, _ in office.published) == [2, 4]
    assert set(office.memory.ended) == {"calling:0", "elsewhere:0"}


async def test_calls_that_take_too_long_at_the_end_are_given_up():
    office = Office()
    office.desk.take([Job(a_task("calling"), 0, 1)])
    await eventually_async(lambda: len(office.judge.seen) == 1)
    await office.desk.withdraw(None, 0.01)
    assert office.desk.unfinished == 0
    assert office.published == []


async def test_a_task_that_trips_over_a_bug_ends_failed_and_harms_no_other(caplog):
    office = Office()
    office.judge.go.set()
    office.desk.take([Job(a_task("poison"), 5, 6), Job(a_task("fine"), 5, 7)])
    await office.idle()
    ends = {r.message_id: r for _, r in office.published}
    assert ends["poison"].status == "failed"
    assert ends["poison"].error == Failure("internal", "ZeroDivisionError: a bug")
    assert ends["fine"].task_id == "fine:0"
    assert (caplog.records[0].partition, caplog.records[0].offset) == (5, 6)
    assert encode(ends["poison"])
