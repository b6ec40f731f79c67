"""Which keys may be used, after what they went through."""

import pytest

from streaming.errors import (
    BadAnswer,
    BadRequest,
    KeyRejected,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_state import Cooldown, PoolKey
from streaming.scheduling.stats import KeyStats


def a_pool(*ids: str, **kw) -> KeyPool:
    return KeyPool([PoolKey(i) for i in ids or ("a", "b", "c")], **kw)


def fail(pool: KeyPool, key_id: str, error: Exception, now: float, times: int = 1) -> None:
    for _ in range(times):
        pool.started(key_id, now)
        pool.failed(key_id, error, now)


def state(pool: KeyPool, key_id: str, now: float) -> KeyStats:
    return next(s for s in pool.stats(now) if s.key_id == key_id)


REFUSED = Throttled("429", cause="requests")


def test_one_429_costs_a_key_a_second_not_more():
    pool = a_pool()
    fail(pool, "a", REFUSED, 100.0)
    assert "a" not in pool.candidates(100.9)
    assert "a" in pool.candidates(101.1)
    assert pool.next_change(100.0) == pytest.approx(101.0)


def test_429s_of_calls_under_way_together_count_as_one():
    pool = a_pool()
    for _ in range(3):
        pool.started("a", 99.5)
    for _ in range(3):
        pool.failed("a", REFUSED, 100.0)
    assert "a" in pool.candidates(101.1)


def test_429s_in_a_row_double_the_rest_and_a_success_ends_that():
    pool = a_pool()
    fail(pool, "a", REFUSED, 100.0)
    fail(pool, "a", REFUSED, 101.0)
    assert "a" not in pool.candidates(102.9)
    pool.started("a", 103.0)
    pool.succeeded("a")
    fail(pool, "a", REFUSED, 104.0)
    assert "a" in pool.candidates(105.1)


@pytest.mark.parametrize(
    ("cooldown", "least", "most"),
    [
        (Cooldown(adaptive=True, min_s=10, max_s=120), 10, 120),
        (Cooldown(adaptive=False, fixed_s=60), 60, 60),
    ],
)
def test_a_key_that_mostly_fails_cools_within_the_bounds(cooldown, least, most):
    pool = a_pool(cooldown=cooldown)
    fail(pool, "a", REFUSED, 100.0, times=8)
    left_s = state(pool, "a", 100.0).cooldown_left_s
    assert least <= left_s <= most
    assert state(pool, "a", 100.0).status == "cooling"


def test_a_key_that_fails_now_and_then_never_cools_for_long():
    pool = a_pool(cooldown=Cooldown(min_s=10, max_s=120))
    for i in range(40):
        now = 100.0 + 10 * i
        fail(pool, "a", REFUSED, now)
        assert state(pool, "a", now).cooldown_left_s <= 1.0
        pool.started("a", now)
        pool.succeeded("a")
        pool.started("a", now)
        pool.succeeded("a")


def test_retry_after_is_obeyed_up_to_the_longest_cooldown():
    pool = a_pool(cooldown=Cooldown(max_s=120))
    fail(pool, "a", Throttled("429", cause="tokens", retry_after_s=7), 100.0)
    fail(pool, "b", Throttled("429", cause="tokens", retry_after_s=9999), 100.0)
    assert state(pool, "a", 100.0).cooldown_left_s == 7
    assert state(pool, "b", 100.0).cooldown_left_s == 120


@pytest.mark.parametrize("cause", ["requests", "tokens", "burst", "unknown"])
def test_no_passing_throttle_ever_disables_a_key(cause):
    pool = a_pool()
    fail(pool, "a", Throttled("429", cause=cause), 100.0, times=500)
    assert state(pool, "a", 100.0).status == "cooling"


def test_a_rejected_key_is_disabled_at_once_and_tried_again_later_and_later():
    pool = a_pool(cooldown=Cooldown(probe_after_s=60))
    fail(pool, "a", KeyRejected("401"), 100.0)
    assert state(pool, "a", 100.0).status == "disabled"
    assert pool.due_probes(159.0) == ()
    assert pool.due_probes(160.0) == ("a",)
    assert pool.due_probes(160.0) == ()
    pool.probed("a", KeyRejected("401"), 161.0)
    assert pool.due_probes(280.0) == ()
    assert pool.due_probes(281.0) == ("a",)
    pool.probed("a", None, 282.0)
    assert "a" in pool.candidates(282.0)


def test_a_probe_that_does_not_reach_the_provider_says_nothing_about_the_key():
    pool = a_pool(cooldown=Cooldown(probe_after_s=60))
    fail(pool, "a", KeyRejected("401"), 100.0)
    pool.due_probes(160.0)
    pool.probed("a", ProviderUnavailable("down"), 160.0)
    assert state(pool, "a", 160.0).status == "disabled"
    assert pool.due_probes(220.0) == ("a",)


def test_no_key_left_when_all_are_rejected():
    pool = a_pool("a", "b")
    fail(pool, "a", KeyRejected("401"), 0.0)
    assert pool.usable
    fail(pool, "b", KeyRejected("403"), 0.0)
    assert not pool.usable
    assert pool.candidates(0.0) == []


@pytest.mark.parametrize("error", [BadAnswer("prose"), BadRequest("400")])
def test_what_is_not_the_keys_fault_does_not_rest_it(error):
    pool = a_pool()
    fail(pool, "a", error, 100.0, times=50)
    assert "a" in pool.candidates(100.0)
    assert state(pool, "a", 100.0).last_error


@pytest.mark.parametrize("error", [ProviderUnavailable("503"), ProviderTimeout("slow")])
def test_an_outage_rests_keys_for_seconds_only(error):
    pool = a_pool(cooldown=Cooldown(min_s=10, max_s=120))
    now = 100.0
    for _ in range(50):
        fail(pool, "a", error, now)
        now += state(pool, "a", now).cooldown_left_s
    fail(pool, "a", error, now)
    assert state(pool, "a", now).cooldown_left_s <= 10


def test_least_loaded_takes_the_key_with_the_fewest_calls_under_way():
    pool = a_pool()
    pool.started("a", 1.0)
    pool.started("b", 2.0)
    pool.started("a", 3.0)
    assert pool.candidates(4.0) == ["c", "b", "a"]


def test_round_robin_takes_the_key_used_longest_ago():
    pool = a_pool(strategy="round_robin")
    for now, key_id in enumerate(("b", "a", "c")):
        pool.started(key_id, float(now))
    assert pool.candidates(4.0) == ["b", "a", "c"]


def test_weighted_gives_a_larger_key_more_calls():
    pool = KeyPool([PoolKey("small", 1), PoolKey("large", 4)], strategy="weighted")
    taken = []
    for now in range(10):
        key_id = pool.candidates(float(now))[0]
        pool.started(key_id, float(now))
        taken.append(key_id)
    assert taken.count("large") == 8


def test_a_key_to_avoid_is_waited_around_while_another_is_left():
    pool = a_pool("a", "b")
    assert pool.candidates(0.0, frozenset({"a"})) == ["b"]
    fail(pool, "b", REFUSED, 0.0)
    assert pool.candidates(0.0, frozenset({"a"})) == []
    fail(pool, "b", KeyRejected("401"), 0.0)
    assert pool.candidates(0.0, frozenset({"a"})) == ["a"]
    assert pool.candidates(0.0, frozenset({"a", "b"})) == ["a"]


def test_counting_goes_on_after_a_restart_without_the_calls_that_were_under_way():
    pool = a_pool("a")
    earlier = [KeyStats("a", "available", 42, 39, 2), KeyStats("gone", "available", 1, 1)]
    pool.resume(earlier, 0.0, 5.0)
    pool.started("a", 0.0)
    pool.succeeded("a")
    assert state(pool, "a", 0.0) == KeyStats("a", "available", 41, 40)


def test_a_cooldown_goes_on_after_a_restart():
    pool = a_pool("a")
    pool.resume([KeyStats("a", "cooling", cooldown_left_s=20)], 100.0, ago_s=5.0)
    assert state(pool, "a", 100.0).cooldown_left_s == pytest.approx(15)


def test_a_disabled_key_stays_so_after_a_restart_and_is_tried_at_once():
    pool = a_pool("a", "b")
    pool.resume([KeyStats("a", "disabled", last_error="401", disabled_for_s=30)], 100.0, 5.0)
    assert state(pool, "a", 100.0).status == "disabled"
    assert state(pool, "a", 100.0).disabled_for_s == pytest.approx(35)
    assert pool.due_probes(100.0) == ("a",)


def test_what_another_instance_found_rejected_is_not_used_here_either():
    pool = a_pool("a", "b")
    pool.adopt(KeyStats("a", "disabled", last_error="401", disabled_for_s=1), 99.0)
    assert pool.candidates(100.0) == ["b"]
    assert state(pool, "a", 100.0).last_error == "401"


def test_word_from_before_a_key_was_accepted_again_counts_no_more():
    pool = a_pool("a")
    fail(pool, "a", KeyRejected("401"), 100.0)
    pool.probed("a", None, 160.0)
    pool.adopt(KeyStats("a", "disabled", disabled_for_s=60), 101.0)
    assert pool.candidates(161.0) == ["a"]
    pool.adopt(KeyStats("a", "disabled", disabled_for_s=1), 165.0)
    assert pool.candidates(166.0) == []


def test_keys_come_and_go_while_the_others_keep_their_state():
    pool = a_pool("a", "b")
    fail(pool, "b", REFUSED, 100.0)
    pool.started("a", 100.0)
    pool.replace([PoolKey("b"), PoolKey("c")])
    assert pool.candidates(100.5) == ["c"]
    assert pool.candidates(101.5) == ["c", "b"]
    assert [s.key_id for s in pool.stats(100.5)] == ["b", "c"]
    pool.succeeded("a")  # a call under way with a removed key finishes
    assert not pool.is_available("a", 101.5)


def test_a_new_secret_under_an_old_id_is_a_new_key():
    pool = a_pool("a")
    fail(pool, "a", KeyRejected("401"), 100.0)
    pool.renew("a", 101.0)
    assert pool.candidates(101.0) == ["a"]
    pool.adopt(KeyStats("a", "disabled", disabled_for_s=5), 100.0)  # that was the old one
    assert pool.candidates(101.0) == ["a"]
