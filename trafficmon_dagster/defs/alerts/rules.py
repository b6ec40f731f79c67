"""The rules in force: what is built in, with the guide's thresholds, and what the settings add.

Pure.
"""

from streaming.settings import AlertSettings, Rule
from streaming.settings.monitoring import Comparison, Severity
from streaming.settings.watched import BY_NAME, Family

SERVICE = "service_unreachable"
_ALSO_OF: dict[str, Family] = {"daemon_silent": "scheduler"}
"""The API is in no consumer group; its sign of life is in Redis."""


def rules_in_force(alerts: AlertSettings) -> tuple[Rule, ...]:
    """A rule of the settings takes the place of the built-in one of its name or metric."""
    names = {rule.name for rule in alerts.rules}
    metrics = {rule.metric for rule in alerts.rules}
    built_in = (
        rule
        for rule in built_in_rules(alerts)
        if rule.name not in names and rule.metric not in metrics
    )
    return (*built_in, *(rule for rule in alerts.rules if rule.enabled))


def of_family(rules: tuple[Rule, ...], family: Family) -> tuple[Rule, ...]:
    """Those that one sensor watches. Every sensor watches the service that it asks."""
    return tuple(
        r
        for r in rules
        if r.metric == SERVICE or family in (BY_NAME[r.metric].family, _ALSO_OF.get(r.metric))
    )


def built_in_rules(alerts: AlertSettings) -> tuple[Rule, ...]:
    """What is watched with no rule in the settings."""
    p95_s, lag = alerts.latency_threshold_p95, alerts.kafka_lag_threshold
    errors, failures = alerts.error_rate_threshold, alerts.api_key_failure_threshold
    return (
        _rule("latency_p95", "end_to_end_latency_p95", p95_s, for_s=60),
        _rule("error_rate", "error_rate", errors, for_s=60),
        _rule("kafka_lag", "kafka_consumer_lag", lag, for_s=60),
        _rule("api_key_failures", "api_key_failure_rate", failures, for_s=60),
        _rule("api_key_disabled", "api_key_disabled", 0, severity="error"),
        _rule(
            "no_api_key_available", "available_api_keys", 1,
            comparison="<", for_s=30, severity="critical",
        ),
        _rule("camera_offline", "camera_offline", 0, for_s=60),
        _rule("daemon_silent", "daemon_silent", 0, for_s=30, severity="critical"),
        _rule("service_unreachable", "service_unreachable", 0, for_s=30, severity="critical"),
        _rule("lake_behind", "lake_delay", 600, for_s=300),
        _rule("asset_overdue", "asset_overdue", 0, for_s=300),
        _rule("run_failed", "failed_runs", 0, severity="error"),
    )  # fmt: skip


def _rule(
    name: str,
    metric: str,
    threshold: float,
    *,
    for_s: float = 0,
    comparison: Comparison = ">",
    severity: Severity = "warning",
) -> Rule:
    return Rule(
        name=name,
        metric=metric,
        threshold=threshold,
        comparison=comparison,
        duration=for_s,
        severity=severity,
    )
