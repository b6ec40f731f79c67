"""Which keys share an account, told from how their remaining requests fall. Pure.

Each key is asked once more, one after the other. On an account of its own a key finds one
request less than before: its own. On a shared one it finds as many less as the account has
keys. Which keys belong together is told by pushing one of them: its company falls further.
"""

from collections.abc import Awaitable, Callable, Sequence

_PUSHES = 3

Remaining = Callable[[str], Awaitable[int | None]]
"""Makes one call with the key of this id; what the answer says is left, None if nothing."""


async def falling_together(first: dict[str, int], ask: Remaining) -> dict[str, int]:
    """Key id to a number: the same for keys of one account, negative for one of its own.

    `first` is what each key's last answer said was left, of calls made side by side. Keys that
    cannot be told, because something else calls with them or the count refills at once, are
    left out. Costs a call a key; where accounts are shared, another, and one for each account.
    """
    order = list(first)
    last = await _ask_each(order, ask)
    fell = {k: first[k] - last[k] for k in last}
    if any(n != 1 for n in fell.values()):  # side by side, the order of the calls is not known
        before, last = last, await _ask_each(order, ask)
        fell = {k: before[k] - last[k] for k in last if k in before}
    found = {k: -number for number, k in enumerate(order, 1) if fell.get(k) == 1}
    company = [k for k in order if fell.get(k, 0) > 1]
    number = 0
    while len(company) > 1:
        pivot, *others = company
        mates, company = await _mates(pivot, others, last, fell, ask)
        if mates:
            number += 1
            found |= dict.fromkeys((pivot, *mates), number)
    return found


async def _mates(
    pivot: str, others: Sequence[str], last: dict[str, int], fell: dict[str, int], ask: Remaining
) -> tuple[list[str], list[str]]:
    """Push the pivot, ask the others: who fell further with it, and who is still to be told."""
    for _ in range(_PUSHES):
        await ask(pivot)
    now = await _ask_each(others, ask)
    # The pivot's one call of the round before is now three; nothing else has changed.
    further = {k: last[k] - now[k] - fell[k] for k in now}
    last |= now
    return (
        [k for k in others if further.get(k) == _PUSHES - 1],
        [k for k in others if further.get(k) == 0],
    )


async def _ask_each(keys: Sequence[str], ask: Remaining) -> dict[str, int]:
    found = {}
    for key in keys:
        left = await ask(key)
        if left is not None:
            found[key] = left
    return found
