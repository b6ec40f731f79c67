"""Are the API keys good? Asked of the provider, one small call a key."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from trafficmon_dagster.markdown import markdown_table, ms
from trafficmon_dagster.names import (
    API_KEY_HEALTH,
    LAKE_WRITER,
    OPERATIONS,
    PROVIDER,
    PROVISIONING,
)
from trafficmon_dagster.resources import Trafficmon

KEYS_ARE_VALID = "keys_are_valid"


@dg.asset(
    key=API_KEY_HEALTH,
    deps=[PROVIDER],
    group_name=PROVISIONING,
    kinds={"python", "duckdb"},
    owners=OPERATIONS,
    pool=LAKE_WRITER,
    check_specs=[
        dg.AssetCheckSpec(
            KEYS_ARE_VALID,
            asset=API_KEY_HEALTH,
            description="The provider accepts every enabled key. Others serve meanwhile, so this"
            " warns while one still works, and is an error when none does.",
        )
    ],
)
def api_key_health(
    trafficmon: Trafficmon,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Every enabled key of `config/api_keys.yaml`, tried at the provider.

    Keys are named by their id, never by themselves. Each check is a row in `key_checks`.
    """
    from streaming.lake.transaction import transaction
    from streaming.scheduling.keys_verify import verify

    settings = trafficmon.settings()
    checks = verify(settings)
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    with trafficmon.lake() as con:
        found = [(checked_at, c.key_id, c.valid, c.latency_ms, c.error) for c in checks]
        transaction(
            con, lambda: con.executemany("INSERT INTO key_checks VALUES (?, ?, ?, ?, ?)", found)
        )
    rows = [
        (f"`{c.key_id}`", "valid" if c.valid else "**invalid**", ms(c.latency_ms), c.error or "")
        for c in checks
    ]
    invalid = [check for check in checks if not check.valid]
    latencies = [check.latency_ms for check in checks if check.latency_ms is not None]
    metadata: dict[str, Any] = {
        "keys": dg.MetadataValue.md(markdown_table(("Key", "State", "Latency, ms", "Error"), rows)),
        "provider": "simulator" if settings.simulated else settings.provider.base_url,
        "valid_keys": len(checks) - len(invalid),
        "invalid_keys": len(invalid),
    }
    if latencies:
        metadata["slowest_ms"] = float(max(latencies))
    yield dg.MaterializeResult(metadata=metadata)
    yield dg.AssetCheckResult(
        check_name=KEYS_ARE_VALID,
        asset_key=API_KEY_HEALTH,
        passed=bool(checks) and not invalid,
        severity=dg.AssetCheckSeverity.WARN
        if len(invalid) < len(checks)
        else dg.AssetCheckSeverity.ERROR,
        metadata={check.key_id: check.error or "" for check in invalid},
    )
