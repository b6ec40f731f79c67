"""The states of an alert over time, on a clock that the test moves."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.settings import Rule
from trafficmon_dagster.defs.alerts.engine import GAP_S, MOST_ALERTS, UNMEASURED_S, step
from trafficmon_dagster.defs.alerts.states import Memory, Reading, Silenced, Timing

TIMING = Timing(resolve_after_s=60, remind_after_s=3600)
LAG = Rule(name="lag", metric="kafka_consumer_lag", threshold=1000, duration=30)
LABELS = {"group": "scheduling", "topic": "assessment-tasks"}
NOBODY = Silenced()


class Clock:
    """Steps of one rule, 15 s apart unless told otherwise; what was told of each."""

    def __init__(self, *rules, timing=TIMING):
        self.rules, self.timing = rules or (LAG,), timing
        self.memory, self.now = Memory(), 1_000_000.0

    def see(self, *values, after_s=15.0, silenced=NOBODY, rules=None, labels=LABELS, blind=False):
        self.now += after_s
        readings = [Reading("kafka_consumer_lag", value, labels) for value in values]
        look = step(
            self.rules if rules is None else rules, readings, self.memory,
            now=self.now, timing=self.timing, silenced=silenced, blind=blind,
        )  # fmt: skip
        # What a restart would read: the cursor, and nothing else.
        self.memory = msgspec.json.decode(msgspec.json.encode(look.memory), type=Memory)
        return [
            ("reminder" if c.reminder else c.state) + ("" if c.tell else ", untold")
            for c in look.changes
        ]

    @property
    def states(self):
        return [alert.state for alert in self.memory.alerts]


def firing(*rules, **options):
    clock = Clock(*rules, **options)
    assert [clock.see(2000) for _ in range(3)] == [[], [], ["firing"]]
    return clock


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([900] * 6, []),
        ([2000, 2000, 900, 2000, 2000, 900], []),
        ([2000, 2000, 2000, 2000], ["firing"]),
        ([2000] * 40, ["firing"]),
        ([2000] * 4 + [900] * 3 + [2000] * 4, ["firing"]),
        ([2000] * 4 + [900] * 5, ["firing", "resolved"]),
        ([2000] * 4 + [900] * 6 + [2000] * 4, ["firing", "resolved", "firing"]),
        ([2000, None, 2000, 2000], []),
        ([2000] * 4 + [None] * 20, ["firing"]),
    ],
)
def test_an_alert_is_told_once_when_it_begins_and_once_when_it_is_over(seen, told):
    clock = Clock()
    found = [c for value in seen for c in clock.see(*([] if value is None else [value]))]
    assert found == told


def test_a_rule_without_a_duration_fires_at_once():
    clock = Clock(LAG.model_copy(update={"duration": 0.0}))
    assert clock.see(1000) == []
    assert clock.see(1001) == ["firing"]


def test_what_nothing_measures_any_more_is_over_after_ten_minutes():
    clock = firing()
    told = [clock.see() for _ in range(int(UNMEASURED_S // 15) + 1)]
    assert [c for changes in told for c in changes] == ["resolved"]
    assert clock.states == []


def test_what_cannot_be_measured_for_an_hour_is_not_over_by_that():
    clock = firing()
    assert not any(clock.see(blind=True) for _ in range(240))
    assert clock.see() == []
    assert clock.states == ["firing"]


def test_an_alert_whose_rule_is_gone_is_over():
    clock = firing()
    other = LAG.model_copy(update={"name": "another"})
    assert clock.see(2000, rules=(other,)) == ["resolved"]


def test_a_reminder_comes_after_its_time_and_not_while_it_is_well():
    clock = firing()
    assert clock.see(2000, after_s=100) == []
    for _ in range(34):
        assert clock.see(2000, after_s=100) == []
    assert clock.see(900, after_s=100) == []
    assert clock.see(2000, after_s=15) == ["reminder"]
    assert clock.see(2000, after_s=15) == []


def test_with_remind_after_zero_nobody_is_reminded():
    clock = firing(timing=Timing(60, 0))
    assert not any(clock.see(2000, after_s=100) for _ in range(100))


def test_a_silence_hides_what_fires_until_it_ends():
    clock, silenced = Clock(), Silenced([("lag", {"group": "scheduling"})])
    told = [clock.see(2000, silenced=silenced) for _ in range(4)]
    assert told == [[], [], ["firing, untold"], []]
    assert clock.see(2000) == ["firing"]
    assert clock.see(2000) == []


def test_what_fires_and_is_over_within_a_silence_is_never_told():
    clock, silenced = Clock(), Silenced([(None, {})])
    told = [clock.see(v, silenced=silenced) for v in [2000] * 4 + [900] * 6]
    assert [c for changes in told for c in changes] == ["firing, untold", "resolved, untold"]


@pytest.mark.parametrize(
    ("pattern", "hides"),
    [
        ((None, {}), True),
        (("lag", {}), True),
        (("other", {}), False),
        (("lag", {"group": "scheduling"}), True),
        (("lag", {"group": "tasks"}), False),
        ((None, {"camera": "1"}), False),
    ],
)
def test_a_silence_covers_the_alerts_of_its_rule_and_labels(pattern, hides):
    (alert,) = firing().memory.alerts
    assert (alert in Silenced([pattern])) is hides


# --- an hour without Dagster --------------------------------------------------------------------


def test_what_was_pending_before_a_pause_begins_anew():
    clock = Clock()
    clock.see(2000)
    assert clock.see(2000, after_s=3600) == []
    assert clock.see(2000) == []
    assert clock.see(2000) == ["firing"]


def test_what_fired_before_a_pause_is_not_told_again():
    clock = firing()
    assert clock.see(2000, after_s=3000) == []


def test_what_was_on_its_way_to_be_over_before_a_pause_begins_anew():
    clock = firing()
    clock.see(900)
    assert clock.see(900, after_s=3600) == []
    assert [clock.see(900) for _ in range(4)] == [[], [], [], ["resolved"]]


def test_what_was_unmeasured_before_a_pause_is_not_over_by_it():
    clock = firing()
    clock.see()
    assert clock.see(after_s=3600) == []
    assert clock.states == ["firing"]


def test_a_clock_that_goes_back_is_a_pause():
    clock = Clock()
    clock.see(2000)
    assert clock.see(2000, after_s=-GAP_S) == []
    assert clock.states == ["pending"]


# --- bounds -------------------------------------------------------------------------------------


def test_a_cursor_keeps_no_more_than_its_bound_and_firing_ones_first():
    rule = LAG.model_copy(update={"duration": 0.0})
    many = [
        Reading("kafka_consumer_lag", 2000, {"group": str(n), "topic": "t"})
        for n in range(MOST_ALERTS + 7)
    ]
    look = step((rule,), many, Memory(), now=1.0, timing=TIMING, silenced=NOBODY)
    assert (len(look.memory.alerts), look.left_out) == (MOST_ALERTS, 7)
    assert len(look.changes) == MOST_ALERTS


values = st.lists(st.one_of(st.none(), st.integers(0, 3000)), min_size=1, max_size=120)


@given(
    values, st.lists(st.sampled_from([15.0, 30.0, 119.0, 300.0, 4000.0]), min_size=1, max_size=9)
)
def test_whatever_is_seen_begin_and_end_take_turns(seen, pauses):
    clock, told = Clock(), []
    for n, value in enumerate(seen):
        after_s = pauses[n % len(pauses)]
        told += clock.see(*([] if value is None else [value]), after_s=after_s)
    turns = [t for t in told if t != "reminder"]
    assert turns == ["firing", "resolved"] * (len(turns) // 2) + ["firing"] * (len(turns) % 2)
    assert ("firing" in clock.states) == (len(turns) % 2 == 1)


def test_a_day_of_ticks_leaves_no_more_than_what_fires():
    clock = Clock()
    sizes, told = [], []
    for tick in range(24 * 240):
        bad = tick % 480 < 40
        told += clock.see(
            2000 if bad else 100, labels={"group": str(tick % 480 // 40), "topic": "t"}
        )
        sizes.append(len(msgspec.json.encode(clock.memory)))
    assert max(sizes) < 2000
    assert (told.count("firing"), told.count("resolved")) == (12, 12)
