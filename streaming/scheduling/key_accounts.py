"""What the provider's answers show of accounts and limits, beside what api_keys.yaml says. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from streaming.scheduling.key_check import (
    REMAINING_HEADER,
    REQUESTS_HEADER,
    TOKENS_HEADER,
    KeyCheck,
    Signs,
)
from streaming.settings import ApiKey


def with_limits(check: KeyCheck, key: ApiKey, signs: Signs) -> KeyCheck:
    """With what the provider tells of its limits, and a warning where ours is above."""
    found = []
    for setting, ours, theirs, header in (
        ("rpm_limit", key.rpm_limit, signs.requests_limit, REQUESTS_HEADER),
        ("tpm_limit", key.tpm_limit, signs.tokens_limit, TOKENS_HEADER),
    ):
        if ours is not None and theirs and ours > theirs:
            found.append(
                f"{key.id}: {setting} {ours} is above the provider's {theirs} ({header}); "
                f"set {setting}: {theirs}"
            )
    return replace(
        check,
        requests_limit=signs.requests_limit,
        tokens_limit=signs.tokens_limit,
        limits_too_high=tuple(found),
        warnings=(*check.warnings, *found),
    )


def with_accounts(
    checks: Sequence[KeyCheck],
    organizations: Mapping[str, str],
    falling: Mapping[str, int],
) -> tuple[KeyCheck, ...]:
    """With what the answers show of accounts, and what api_keys.yaml should say of them.

    `organizations`: key id to the account's name. `falling`: key id to a number that is the
    same for keys whose remaining requests fell together, and negative for a key that fell alone.
    """
    names = {c.key_id: _name_of(c.key_id, organizations, falling) for c in checks}
    done = []
    for check in checks:
        name = names[check.key_id]
        if name is None:
            done.append(check)
            continue
        mates = tuple(k for k, n in names.items() if n == name and k != check.key_id)
        by_name = check.key_id in organizations
        sign = f"organization {name}" if by_name else f"{REMAINING_HEADER} falls together"
        found = replace(
            check,
            account_known="shared" if mates else "own",
            shares_account_with=mates,
            account_sign=sign if mates or by_name else f"{REMAINING_HEADER} falls alone",
        )
        done.append(replace(found, warnings=(*found.warnings, *_account_warnings(found, checks))))
    return tuple(done)


def _name_of(
    key_id: str, organizations: Mapping[str, str], falling: Mapping[str, int]
) -> str | int | None:
    return organizations.get(key_id) or falling.get(key_id)


def _account_warnings(check: KeyCheck, checks: Sequence[KeyCheck]) -> tuple[str, ...]:
    configured = {c.key_id: c.account for c in checks}
    together = sorted((check.key_id, *check.shares_account_with))
    if check.shares_account_with:
        accounts = {configured[k] for k in together}
        if len(accounts) == 1 and None not in accounts:
            return ()
        name = next((a for a in map(configured.get, together) if a), _fit(check.account_sign))
        said = (
            f"{', '.join(together)} seem to share an account ({check.account_sign}): give each "
            f"`account: {name}` in api_keys.yaml, or its limits are counted {len(together)} times"
        )
        return (said,)
    others = [k for k, a in configured.items() if a and a == check.account and k != check.key_id]
    if not others:
        return ()
    said = (
        f"{check.key_id} has `account: {check.account}`, as {', '.join(others)} has, but seems to "
        f"have an account of its own ({check.account_sign}): without that line more calls fit"
    )
    return (said,)


def _fit(sign: str | None) -> str:
    """A name for an account that has none: the provider's, else any."""
    name = (sign or "").removeprefix("organization ")
    return name if re.fullmatch(r"[A-Za-z0-9._-]+", name) else "shared-1"
