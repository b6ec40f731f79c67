"""What waits for one client: newest results, every notice."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.api.outbox import MAX_NOTICES, MAX_RESULTS, Outbox


def drained(outbox: Outbox) -> list[bytes]:
    return list(iter(outbox.take, None))


def test_notices_go_first_and_keep_their_order():
    outbox = Outbox()
    outbox.put_result("1", b"frame")
    outbox.put_notice(b"alert 1")
    outbox.put_notice(b"alert 2")
    assert drained(outbox) == [b"alert 1", b"alert 2", b"frame"]


def test_a_newer_result_of_a_camera_replaces_the_waiting_one():
    outbox = Outbox()
    for result in (b"old", b"newer", b"newest"):
        outbox.put_result("1", result)
    assert (drained(outbox), outbox.dropped) == ([b"newest"], 2)


def test_a_verdict_that_waits_is_not_replaced_by_a_frame_that_has_none():
    outbox = Outbox()
    outbox.put_result("1", b"verdict", judged=True)
    outbox.put_result("1", b"frame")
    outbox.put_result("1", b"newer frame")
    assert drained(outbox) == [b"verdict", b"newer frame"]


def test_a_client_too_far_behind_is_given_up_and_no_notice_is_lost_before():
    outbox = Outbox()
    for n in range(MAX_NOTICES):
        outbox.put_notice(b"%d" % n)
    assert not outbox.overflowed
    outbox.put_notice(b"one more")
    assert outbox.overflowed
    assert len(drained(outbox)) == MAX_NOTICES


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=400))
def test_results_are_bounded_and_notices_all_arrive(puts):
    outbox = Outbox()
    for is_notice, n in puts:
        if is_notice:
            outbox.put_notice(b"notice")
        else:
            outbox.put_result(str(n), b"result")
        assert len(outbox) <= MAX_RESULTS + sum(one for one, _ in puts)
    out = drained(outbox)
    assert out.count(b"notice") == sum(one for one, _ in puts)
    assert out.count(b"result") + outbox.dropped == sum(not one for one, _ in puts)
