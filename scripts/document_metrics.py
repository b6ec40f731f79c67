"""Writes the table of all metrics into docs/metrics.md, from streaming/metrics.py.

Run it from the repository: `python scripts/document_metrics.py`.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from streaming.metrics import Metrics

ROOT = Path(__file__).parents[1]
PAGE = Path("docs/metrics.md")
BEGIN = "<!-- made by scripts/document_metrics.py: begin -->"
END = "<!-- made by scripts/document_metrics.py: end -->"
STAGES = ("detection", "tasks", "scheduling", "aggregation", "api")


def table() -> str:
    """Every metric of every stage, Markdown between the two marks."""
    lines = [BEGIN, "", "| metric | type | labels | from | what it is |", "|---|---|---|---|---|"]
    for attribute, metric in sorted(declared(), key=lambda found: series(found[1])):
        family = next(iter(metric.describe()))
        labels = ", ".join(f"`{name}`" for name in metric._labelnames)  # noqa: SLF001
        lines.append(
            f"| `{series(metric)}` | {family.type} | {labels or '–'} "
            f"| {', '.join(users(attribute)) or '–'} | {family.documentation} |"
        )
    return "\n".join([*lines, "", END])


def declared() -> Iterator[tuple[str, MetricWrapperBase]]:
    """Each metric with the attribute of `Metrics` that holds it."""
    for attribute, value in vars(Metrics()).items():
        if isinstance(value, MetricWrapperBase):
            yield attribute, value


def series(metric: MetricWrapperBase) -> str:
    """The name to ask Prometheus for; a histogram has _bucket, _sum and _count behind it."""
    family = next(iter(metric.describe()))
    return f"{family.name}_total" if family.type == "counter" else family.name


def users(attribute: str) -> list[str]:
    """The stages whose code sets the metric, which are those that serve it."""
    used = re.compile(rf"(?:metrics|own)\.{attribute}\b")
    return [stage for stage in STAGES if used.search(_code(stage))]


@cache
def _code(stage: str) -> str:
    files = sorted((ROOT / "streaming" / stage).rglob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def page() -> str:
    """The whole page, its table made anew."""
    head, rest = (ROOT / PAGE).read_text(encoding="utf-8").split(BEGIN, 1)
    return head + table() + rest.split(END, 1)[1]


if __name__ == "__main__":
    (ROOT / PAGE).write_text(page(), encoding="utf-8")
