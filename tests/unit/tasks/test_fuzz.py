"""100,000 damaged messages: none breaks the worker, each is planned or set aside with its reason."""

import json
import random
from collections import Counter

from streaming.messages import AssessmentTask, DetectionResult, SkippedGroups, decode, encode
from streaming.tasks.batch import plan_batch
from streaming.tasks.decide import Policy
from tests import builders
from tests.unit.tasks.messages import NOW
from tests.unit.tasks.test_batch import Record

MUTATIONS = 100_000
PORTION = 1_000
SIGNS = (
    b"-",
    b"0",
    b"9",
    b"e",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"1e400",
    b"\xff",
)


def mutated(rng, raw):
    """Bytes set, cut out, doubled, swapped for JSON's own signs, or lost from the end."""
    damaged = bytearray(raw)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(damaged) + 1)
        match rng.randrange(5):
            case 0:
                damaged[at : at + 1] = rng.randbytes(1)
            case 1:
                del damaged[at : at + rng.randrange(1, 40)]
            case 2:
                damaged[at:at] = damaged[at : at + rng.randrange(1, 40)]
            case 3:
                damaged[at : at + rng.randrange(4)] = rng.choice(SIGNS)
            case 4:
                damaged[rng.randrange(len(damaged) + 1) :] = (
                    b"" if rng.random() < 0.2 else damaged[at:]
                )
    return bytes(damaged)


def test_no_damaged_message_breaks_the_worker():
    rng, states = random.Random(11), {}
    groups = (builders.group(), builders.group(group_index=1, surrogate_risk=0.9))
    raws = [
        encode(builders.detection_result(groups=groups, camera_id=str(n), message_id=f"m{n}"))
        for n in range(20)
    ]
    outcomes, reasons = Counter(), Counter()
    for portion in range(MUTATIONS // PORTION):
        records = [Record(mutated(rng, rng.choice(raws)), portion % 4, n) for n in range(PORTION)]
        after = {}
        batch = plan_batch(records, Policy(), NOW, states, after)
        for partition, cameras in after.items():
            states.setdefault(partition, {}).update(cameras)
        dead = {id(record) for record, _ in batch.dead}
        expected = sum(
            len(decode(r.value(), DetectionResult).groups) for r in records if id(r) not in dead
        )
        skipped = sum(len(decode(value, SkippedGroups).skipped) for _, value, _ in batch.notices)
        assert len(batch.tasks) + skipped == expected
        for _, value, _ in batch.tasks:
            decode(value, AssessmentTask)
            json.loads(value)  # what is copied is JSON to the strictest reader, too
        for _, error in batch.dead:
            assert str(error)
            reasons[str(error).split(":")[0]] += 1
        outcomes += Counter(dead=len(dead), fine=PORTION - len(dead), tasks=len(batch.tasks))
    assert outcomes["dead"] + outcomes["fine"] == MUTATIONS
    assert min(outcomes["dead"], outcomes["fine"]) > MUTATIONS / 10
    assert outcomes["tasks"] > MUTATIONS / 1_000  # the gate leaves out what is alike
    assert len(reasons) >= 3
