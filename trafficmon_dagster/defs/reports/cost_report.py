"""What verdicts cost."""

from typing import TYPE_CHECKING, Any

from streaming import plot_style
from streaming.markdown import money
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Row, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import DAILY

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Cost: calls, tokens and money"
_ENDED = """
    SELECT captured_at, camera_id, key_id, model, status, attempts, prompt_tokens,
           completion_tokens, cost
    FROM verdicts
"""
_SPENT = """
    count(*) FILTER (status = 'assessed'), coalesce(sum(attempts), 0),
    coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cost), 0),
    coalesce(sum(cost), 0) * 1000 / nullif(count(*) FILTER (status = 'assessed'), 0)
"""
_NO_PRICE = (
    " No price is set: provider.price_per_1k_prompt_tokens and"
    " provider.price_per_1k_completion_tokens in api_keys.yaml."
)


def figures(con: "duckdb.DuckDBPyConnection", window: Window, settings: "Settings") -> Report:
    """Calls, tokens and cost of a day: over time, by model, key and camera, and what was saved.

    Saved is what the groups that repeat one asked a moment ago would have cost.
    """
    from streaming.lake.portions import gather

    gather(con, "ended", _ENDED, since=window.start, until=window.end)
    verdicts, calls, prompt, completion, cost, per_1000 = _rows(con, "", "")[0]
    if not calls:
        return Report(_TITLE, "No call was made in this time.", {"calls": 0, "cost": 0.0})
    currency = settings.provider.price_currency
    (repeats,) = con.execute(
        "SELECT count(*) FROM skipped_groups"
        " WHERE reason = 'repeat' AND captured_at >= ? AND captured_at < ?",
        [window.start, window.end],
    ).fetchone() or (0,)
    (wasted,) = con.execute(
        "SELECT coalesce(sum(cost), 0) FROM ended WHERE status <> 'assessed'"
    ).fetchone() or (0.0,)
    saved = repeats * cost / calls
    summary = (
        f"{money(cost)} {currency} for {verdicts:,} verdicts in {calls:,} calls, "
        f"{money(per_1000)} {currency} a thousand; {repeats:,} repeated groups were not asked "
        f"about, which saved {money(saved)} {currency}."
    )
    columns = (
        Column("Verdicts"), Column("Calls"), Column("Tokens sent"), Column("Tokens received"),
        Column(f"Cost, {currency}", money), Column("Per 1000 verdicts", money),
    )  # fmt: skip

    def by(name: str, title: str, head: str, column: str) -> Table:
        order = f"GROUP BY {column} ORDER BY sum(cost) DESC, {column}"
        return Table(name, title, (Column(head), *columns), _rows(con, f"{column},", order))

    return Report(
        _TITLE,
        summary + ("" if cost else _NO_PRICE),
        {
            "cost": cost,
            "cost_per_1000_verdicts": per_1000,
            "cost_without_verdict": wasted,
            "cost_saved": saved,
            "calls": calls,
            "tokens": prompt + completion,
            "tokens_per_call": (prompt + completion) / calls,
        },
        [_picture(con, window, currency)],
        [
            by("by_model", "By model", "Model", "model"),
            by("by_key", "By API key that was asked last", "Key", "key_id"),
            by("by_camera", "By camera", "Camera", "camera_id"),
        ],
    )


def _rows(con: "duckdb.DuckDBPyConnection", name: str, rest: str) -> list[Row]:
    return list(con.execute(f"SELECT {name} {_SPENT} FROM ended {rest}").fetchall())  # noqa: S608


def _picture(con: "duckdb.DuckDBPyConnection", window: Window, currency: str) -> Picture:
    from trafficmon_dagster.defs.reports import plot, shapes

    found = con.execute(
        """
        SELECT time_bucket(?, captured_at, ?), sum(cost), sum(prompt_tokens),
               sum(completion_tokens)
        FROM ended GROUP BY 1 ORDER BY 1
        """,
        [window.step, window.start],
    ).fetchall()
    at = [window.local(row[0]) for row in found]
    spent: dict[str, Any] = {"cost": (plot_style.BLUE, [row[1] for row in found])}
    tokens: dict[str, Any] = {
        "sent": (plot_style.BLUE, [row[2] / 1000 for row in found]),
        "received": (plot_style.AMBER, [row[3] / 1000 for row in found]),
    }
    return plot.picture(
        "Cost and tokens over time",
        {
            "cost": lambda axes: shapes.stacked(
                axes, at, spent, f"Cost, {currency} ({window.zone})", width=window.step
            ),
            "tokens": lambda axes: shapes.stacked(
                axes, at, tokens, "Tokens, thousands", width=window.step
            ),
        },
        [["cost", "tokens"]],
        3.2,
    )


cost_report = report_asset(
    report("cost"), figures, DAILY, deps=[table("assessments"), table("skipped_groups")]
)
