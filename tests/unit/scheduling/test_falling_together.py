"""Keys of one account are told from how their remaining requests fall."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.scheduling.falling_together import falling_together


class Accounts:
    """Counts calls for each account; `busy` ones are called by others too, between our calls."""

    def __init__(self, letters: str, *, busy: str = "", refills: bool = False) -> None:
        self.account = {f"k{i}": letter for i, letter in enumerate(letters)}
        self._left: Counter[str] = Counter(dict.fromkeys(letters, 1000))
        self._busy, self._refills = busy, refills
        self.calls = 0

    async def ask(self, key_id: str) -> int:
        self.calls += 1
        account = self.account[key_id]
        for other in self._busy:
            self._left[other] -= self.calls % 3 + 1
        self._left[account] -= 0 if self._refills else 1
        return self._left[account]

    async def side_by_side(self, *, at_the_end: bool = False) -> dict[str, int]:
        found = {k: await self.ask(k) for k in self.account}
        return {k: self._left[a] for k, a in self.account.items()} if at_the_end else found


def groups(found: dict[str, int]) -> set[frozenset[str]]:
    return {frozenset(k for k, n in found.items() if n == number) for number in found.values()}


@pytest.mark.parametrize("at_the_end", [False, True])
@given(letters=st.text("abcd", min_size=2, max_size=12))
async def test_whatever_belongs_together_is_found(letters, at_the_end):
    accounts = Accounts(letters)
    found = await falling_together(await accounts.side_by_side(at_the_end=at_the_end), accounts.ask)
    truth = {frozenset(k for k, a in accounts.account.items() if a == letter) for letter in letters}
    assert groups(found) == truth
    assert {k for k, n in found.items() if n < 0} == {k for g in truth if len(g) == 1 for k in g}


async def test_keys_with_accounts_of_their_own_cost_one_call_each():
    accounts = Accounts("abcde")
    await falling_together(await accounts.side_by_side(), accounts.ask)
    assert accounts.calls == 10


@pytest.mark.parametrize("letters", ["aa", "ab", "aab"])
async def test_a_count_that_refills_at_once_tells_nothing(letters):
    accounts = Accounts(letters, refills=True)
    assert await falling_together(await accounts.side_by_side(), accounts.ask) == {}


async def test_an_account_that_others_use_too_tells_nothing_and_spoils_nothing():
    accounts = Accounts("abbc", busy="a")
    found = await falling_together(await accounts.side_by_side(), accounts.ask)
    assert groups(found) == {frozenset({"k1", "k2"}), frozenset({"k3"})}


async def test_a_key_that_gets_no_answer_is_left_out():
    accounts = Accounts("aab")
    first = await accounts.side_by_side()

    async def ask(key_id: str) -> int | None:
        return None if key_id == "k2" else await accounts.ask(key_id)

    assert groups(await falling_together(first, ask)) == {frozenset({"k0", "k1"})}
