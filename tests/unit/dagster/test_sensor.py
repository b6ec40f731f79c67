import pytest

from trafficmon_dagster.defs.lake.sensor import MESSAGES_ENOUGH, WAIT_AT_MOST_S, decide

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("waiting", "since", "run", "kept"),
    [
        (0, None, False, None),
        (0, NOW - 500, False, None),
        (1, None, False, NOW),
        (1, NOW - 10, False, NOW - 10),
        (1, NOW - WAIT_AT_MOST_S, True, None),
        (MESSAGES_ENOUGH, None, True, None),
        (MESSAGES_ENOUGH - 1, NOW - 1, False, NOW - 1),
    ],
)
def test_a_run_is_asked_for_when_enough_wait_or_some_waited_enough(waiting, since, run, kept):
    decision = decide(waiting, since, NOW)

    assert (decision.run, decision.waiting_since) == (run, kept)
    assert decision.reason
