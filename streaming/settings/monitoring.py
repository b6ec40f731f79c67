"""config/monitoring.yaml: when to raise an alert, and whom to tell."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from streaming.settings.base import Section

_WORDS = {
    "gt": ">", "greater": ">", "greater_than": ">", "above": ">",
    "gte": ">=", "ge": ">=", "greater_or_equal": ">=",
    "lt": "<", "less": "<", "less_than": "<", "below": "<",
    "lte": "<=", "le": "<=", "less_or_equal": "<=",
    "eq": "==", "equal": "==", "=": "==", "ne": "!=", "not_equal": "!=",
}  # fmt: skip
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def _symbol(value: object) -> object:
    return _WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _seconds(value: object) -> object:
    """90 for 90, "90", "90s", "1m30s" and "1.5m"."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*", value)
    if parts and re.fullmatch(r"\s*(?:\d+(?:\.\d+)?\s*(?:ms|s|min|m|h|d)\s*)+", value):
        return sum(float(number) * _UNIT_S[unit] for number, unit in parts)
    if not re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        raise ValueError("must be seconds, or a duration such as 30s, 5m, 1h")
    return value


class Rule(Section):
    """One rule of the guide's longer form."""

    name: str = Field(min_length=1, description="Name of the alert")
    metric: str = Field(min_length=1, description="What is watched")
    threshold: float = Field(description="Compared with the metric")
    comparison: Annotated[Literal[">", ">=", "<", "<=", "==", "!="], BeforeValidator(_symbol)] = (
        Field(">", description="How; also as a word: gt, gte, lt, lte, eq, ne")
    )
    duration: Annotated[float, BeforeValidator(_seconds)] = Field(
        0.0, ge=0, le=604_800, description="How long it must hold: seconds, or 30s, 5m, 1h"
    )
    severity: Literal["info", "low", "medium", "warning", "high", "error", "critical"] = Field(
        "warning", description="How bad it is"
    )
    description: str = Field("", description="What it means")
    enabled: bool = Field(True, description="Whether it is watched")


class NotificationChannel(Section):
    """Whom to tell."""

    type: Literal["email", "webhook", "dingtalk", "wecom"] = Field(description="Kind of channel")
    enabled: bool = Field(True, description="Whether it is used")
    config: dict[str, Any] = Field(
        {}, repr=False, description="What the kind needs: url, recipients, …"
    )


class AlertSettings(Section):
    """The `alerts` block."""

    latency_threshold_p95: float = Field(2.5, gt=0, description="P95 capture to verdict, s")
    error_rate_threshold: float = Field(0.05, ge=0, le=1, description="Share of failed tasks")
    kafka_lag_threshold: int = Field(1000, ge=0, description="Messages waiting in any group")
    api_key_failure_threshold: float = Field(0.2, ge=0, le=1, description="Share of failed calls")
    rules: tuple[Rule, ...] = Field((), description="Further rules")
    notification_channels: tuple[NotificationChannel, ...] = Field((), description="Whom to tell")


class MonitoringSettings(Section):
    """config/monitoring.yaml."""

    alerts: AlertSettings = Field(AlertSettings(), description="When to raise an alert")
