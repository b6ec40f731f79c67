"""What the provider counts, by key, account and task."""

from dataclasses import replace

from streaming.simulator.provider_books import NOBODY, Books, SimulatedKey

KEY = SimulatedKey("a", "secret-a", 2, 100, "one")


def books(*keys: SimulatedKey) -> Books:
    found = Books(0.0)
    found.set_keys(keys or (KEY,))
    return found


def test_every_call_is_counted_by_its_key_and_by_what_it_got():
    found = books()
    for at, (key_id, status) in enumerate([("a", 200), ("a", 429), (NOBODY, 401)]):
        found.call(key_id, float(at))
        found.ended(key_id, status)
    stats = found.stats()
    assert stats["keys"] == {"a": 2, NOBODY: 1}
    assert stats["key_statuses"] == {"a": {"200": 1, "429": 1}, NOBODY: {"401": 1}}
    assert (stats["calls"], stats["answered"], stats["http_429"]) == (3, 1, 1)


def test_the_most_in_a_second_counts_all_keys_and_starts_anew_when_told():
    found = books(KEY, replace(KEY, id="b", secret="secret-b", account="two"))
    for at in (0.0, 0.1, 0.2, 0.9):
        found.call("a" if at < 0.2 else "b", at)
    assert found.stats()["max_in_a_second"] == 4
    found.forget_peaks(1.15)
    assert found.stats()["max_in_a_second"] == 2
    found.call("a", 1.15)
    assert found.stats()["max_in_a_second"] == 3


def test_keys_change_and_what_an_account_has_used_stays_used():
    found = books()
    for at in (0.0, 0.1):
        found.call("a", at)
        assert found.admit(KEY) is None
    found.set_keys([replace(KEY, id="b", secret="secret-b", qps=3)])
    assert set(found.keys) == {"secret-b"}
    key = found.keys["secret-b"]
    refusals = []
    for at in (0.2, 0.3):
        found.call(key.id, at)
        refusals.append(found.admit(key))
    assert refusals == [None, "second"]


def test_arrivals_noted_out_of_order_are_taken_in_order():
    found = books()
    for at in (5.0, 4.9, 5.0):
        found.call("a", at)
    assert found.stats()["max_in_a_second"] == 3
