"""config/monitoring.yaml: when to raise an alert, and whom to tell."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from streaming.settings.base import Section
from streaming.settings.channels import NotificationChannel
from streaming.settings.silences import Silence
from streaming.settings.watched import BY_NAME, check_metric

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


Comparison = Literal[">", ">=", "<", "<=", "==", "!="]
Severity = Literal["info", "low", "medium", "warning", "high", "error", "critical"]


class Rule(Section):
    """One rule of the guide's longer form."""

    name: str = Field(min_length=1, max_length=100, description="Name of the alert")
    metric: Annotated[str, AfterValidator(check_metric)] = Field(
        min_length=1, description="What is watched, one of docs/alerts.md"
    )
    threshold: float = Field(description="Compared with the metric, in its unit")
    comparison: Annotated[Comparison, BeforeValidator(_symbol)] = Field(
        ">", description="How; also as a word: gt, gte, lt, lte, eq, ne"
    )
    duration: Annotated[float, BeforeValidator(_seconds)] = Field(
        0.0, ge=0, le=604_800, description="How long it must hold: seconds, or 30s, 5m, 1h"
    )
    severity: Severity = Field("warning", description="How bad it is")
    description: str = Field("", description="What it means")
    labels: dict[str, str] = Field(
        {}, description="Only series with these labels: {group: scheduling}; unset: all"
    )
    enabled: bool = Field(True, description="Whether it is watched")

    @model_validator(mode="before")
    @classmethod
    def _duration_s(cls, values: object) -> object:
        if isinstance(values, dict) and "duration_s" in values and "duration" not in values:
            values = {"duration": values["duration_s"]} | values
            del values["duration_s"]
        return values

    @model_validator(mode="after")
    def _labels_of_the_metric(self) -> "Rule":
        known = BY_NAME[self.metric].labels
        if unknown := sorted(self.labels.keys() - set(known)):
            has = f"has {', '.join(known)}" if known else "has none"
            raise ValueError(f"must not have the label {unknown[0]}: {self.metric} {has}")
        return self

    def holds(self, value: float) -> bool:
        """Whether the value is as bad as the rule says."""
        return {
            ">": value > self.threshold,
            ">=": value >= self.threshold,
            "<": value < self.threshold,
            "<=": value <= self.threshold,
            "==": value == self.threshold,
            "!=": value != self.threshold,
        }[self.comparison]


class AlertSettings(Section):
    """The `alerts` block."""

    latency_threshold_p95: float = Field(2.5, gt=0, description="P95 capture to verdict, s")
    error_rate_threshold: float = Field(0.05, ge=0, le=1, description="Share of failed tasks")
    kafka_lag_threshold: int = Field(1000, ge=0, description="Messages waiting in any group")
    api_key_failure_threshold: float = Field(0.2, ge=0, le=1, description="Share of failed calls")
    rules: tuple[Rule, ...] = Field(
        (), max_length=200, description="Further rules, and others for those that are built in"
    )
    notification_channels: tuple[NotificationChannel, ...] = Field(
        (), max_length=20, description="Whom to tell"
    )
    silences: tuple[Silence, ...] = Field((), max_length=200, description="When nobody is told")
    resolve_after: Annotated[float, BeforeValidator(_seconds)] = Field(
        60, ge=0, le=86_400, description="How long a firing alert must be well before it is over, s"
    )
    remind_after: Annotated[float, BeforeValidator(_seconds)] = Field(
        14_400,
        ge=0,
        le=2_592_000,
        description="Tell again of what still fires after this, s; 0: never",
    )
    wall_url: str | None = Field(
        None, description="Where people open the wall, for links; unset: this machine"
    )
    dagster_url: str | None = Field(
        None, description="Where people open Dagster, for links; unset: this machine"
    )


class MonitoringSettings(Section):
    """config/monitoring.yaml."""

    alerts: AlertSettings = Field(AlertSettings(), description="When to raise an alert")
