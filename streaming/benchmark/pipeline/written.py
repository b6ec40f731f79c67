"""Reports on disk: what lies beside the JSON, and an earlier one to compare with."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streaming.benchmark.pipeline.compare import compare, differing
from streaming.benchmark.pipeline.page import as_html, as_markdown
from streaming.errors import ConfigError


def write_beside(report: Mapping[str, Any], report_file: Path) -> list[Path]:
    """Markdown and HTML of the same name."""
    from streaming.benchmark.pipeline.plots import run_plot

    markdown, page = report_file.with_suffix(".md"), report_file.with_suffix(".html")
    markdown.write_text(as_markdown(report), encoding="utf-8")
    page.write_text(as_html(report, run_plot(report)), encoding="utf-8")
    return [markdown, page]


def read(path: Path) -> dict[str, Any]:
    """A report of `bench pipeline`.

    Raises:
        ConfigError: it is none.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path} is no report: {exc}") from exc
    if report.get("name") != "pipeline" or not report.get("results"):
        raise ConfigError(f"{path} is no report of `trafficmon bench pipeline`")
    return report


def changes(old_file: Path, new: Mapping[str, Any]) -> Iterator[str]:
    """What differs from an earlier report, a line each; first what makes it hard to compare."""
    old = read(old_file)
    for difference in differing(old, new):
        yield f"not the same: {difference}"
    for change in compare(old["results"][0], new["results"][0]):
        yield change.sentence
