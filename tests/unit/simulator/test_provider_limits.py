"""Rolling windows, by arrival."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.simulator.provider_limits import AccountCounter, RollingWindow


def test_the_call_after_the_limit_is_refused_until_the_window_has_moved_on():
    account = AccountCounter(qps=2, rpm=100)
    assert [account.arrive(t) for t in (0.0, 0.1, 0.9)] == [None, None, "second"]
    assert account.arrive(1.0) is None
    assert (account.calls, account.accepted, account.refused) == (4, 3, 1)


def test_the_minute_counts_too():
    account = AccountCounter(qps=10, rpm=3)
    assert [account.arrive(float(t)) for t in (0, 10, 20, 30)] == [None, None, None, "minute"]
    assert account.arrive(60.0) is None


def test_a_key_slower_than_one_a_second_may_still_call():
    assert AccountCounter(qps=0.5, rpm=30).arrive(0.0) is None


@given(st.lists(st.floats(0, 100), min_size=1).map(sorted))
def test_the_most_in_any_window_is_the_truth(arrivals):
    window = RollingWindow(1.0)
    for at in arrivals:
        window.add(at)
    assert window.most == max(sum(1 for b in arrivals if a - 1.0 < b <= a) for a in arrivals)
