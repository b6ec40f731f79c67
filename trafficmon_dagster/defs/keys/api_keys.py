"""Are the API keys good? Asked of the provider, one small call a key."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from streaming.markdown import markdown_table, ms
from trafficmon_dagster.names import API_KEYS, LAKE_WRITER, OPERATIONS, PROVIDER, PROVISIONING
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    from streaming.scheduling.key_check import KeyCheck
    from streaming.settings import ApiKey

VALID = "keys_are_valid"
LIMITS = "limits_are_allowed"
ACCOUNTS = "accounts_are_declared"

_CHECKS = {
    VALID: "The provider accepts every enabled key. Others serve meanwhile, so this warns while"
    " one still works, and is an error when none does.",
    LIMITS: "No rpm_limit or tpm_limit in api_keys.yaml is above what the provider's answers name."
    " It names none in many answers: then there is nothing to compare.",
    ACCOUNTS: "Keys whose answers show that they share an account say so by `account:`, and only"
    " they: or its limits are counted twice.",
}


@dg.asset(
    key=API_KEYS,
    deps=[PROVIDER],
    group_name=PROVISIONING,
    kinds={"python", "duckdb"},
    owners=OPERATIONS,
    pool=LAKE_WRITER,
    check_specs=[
        dg.AssetCheckSpec(name, asset=API_KEYS, description=description)
        for name, description in _CHECKS.items()
    ],
)
def api_keys(trafficmon: Trafficmon) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Every enabled key of `config/api_keys.yaml`, tried at the provider, a row a key.

    Keys are named by their id, never by themselves. All are tried at once, since only their
    answers together show which share an account. *Plots* has the latency of each key over time;
    each check is a row in the lake's `key_checks` too.
    """
    from streaming.lake.transaction import transaction
    from streaming.scheduling.keys_verify import verify

    settings = trafficmon.settings()
    checks = verify(settings)
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    with trafficmon.lake() as con:
        found = [(checked_at, c.key_id, c.valid, c.latency_ms, c.error) for c in checks]
        if found:
            transaction(
                con,
                lambda: con.executemany("INSERT INTO key_checks VALUES (?, ?, ?, ?, ?)", found),
            )
    keys = {key.id: key for key in settings.api_keys}
    invalid = [check for check in checks if not check.valid]
    yield dg.MaterializeResult(
        metadata={
            "keys": dg.MetadataValue.md(_table(checks, keys)),
            "provider": "simulator" if settings.simulated else settings.provider.base_url,
            "valid_keys": len(checks) - len(invalid),
            "invalid_keys": len(invalid),
            **{f"latency_ms_{c.key_id}": float(c.latency_ms) for c in checks if c.latency_ms},
        }
    )
    too_high = {c.key_id: "; ".join(c.limits_too_high) for c in checks if c.limits_too_high}
    accounts = {
        c.key_id: "; ".join(other)
        for c in checks
        if (other := [w for w in c.warnings if w not in c.limits_too_high])
    }
    warn, error = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    yield _result(
        VALID,
        {check.key_id: check.error or "" for check in invalid},
        warn if len(invalid) < len(checks) else error,
        passed=bool(checks) and not invalid,
    )
    yield _result(LIMITS, too_high, warn, passed=not too_high)
    yield _result(ACCOUNTS, accounts, warn, passed=not accounts)


def _result(
    name: str, by_key: dict[str, str], severity: dg.AssetCheckSeverity, *, passed: bool
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, asset_key=API_KEYS, passed=passed, severity=severity, metadata=by_key
    )


def _table(checks: Sequence["KeyCheck"], keys: dict[str, "ApiKey"]) -> str:
    columns = ("Key", "State", "Latency, ms", "Requests a minute", "Account", "Error",
               "What to do")  # fmt: skip
    rows = [
        (
            f"`{c.key_id}`",
            "valid" if c.valid else "**invalid**",
            ms(c.latency_ms),
            _limit(keys[c.key_id].rpm_limit, c.requests_limit),
            c.account_shown,
            c.error or "",
            "; ".join(filter(None, (c.advice, *c.warnings))),
        )
        for c in checks
    ]
    # An error or advice that no key has only makes the others narrow.
    shown = [i for i in range(len(columns)) if any(row[i] != "" for row in rows) or not rows]
    return markdown_table([columns[i] for i in shown], [[row[i] for i in shown] for row in rows])


def _limit(ours: int, theirs: int | None) -> str:
    return f"{ours:,}" if theirs is None else f"{ours:,} of {theirs:,}"
