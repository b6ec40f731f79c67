"""Is what was promised kept, and how much may still go wrong?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming import plot_style
from streaming.markdown import share
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Row, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import DAILY

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Service level: objectives and error budget"
_WEEK_DAYS = 7
_SLOW_ALLOWED = 0.05
"""What a P95 allows."""

_EXPLAINED = (
    "The budget is the number of tasks that may be slow or unassessed before the objective is"
    " missed. A burn rate of 1 uses it up exactly by the end; what is used up is above 100 %."
)


@dataclass(frozen=True, slots=True)
class Budget:
    """Of `tasks` tasks a share of `allowed` may be bad, and `bad` are."""

    tasks: int
    bad: int
    allowed: float

    @property
    def used(self) -> float | None:
        """Share of the budget that is spent: over 1, the objective is missed."""
        if not self.tasks:
            return None
        if not self.allowed:
            return float(self.bad)
        return self.bad / (self.tasks * self.allowed)

    @property
    def left(self) -> int:
        """Tasks that may still be bad."""
        return int(self.tasks * self.allowed + 1e-9) - self.bad


def figures(con: "duckdb.DuckDBPyConnection", window: Window, settings: "Settings") -> Report:
    """The objectives of `config/monitoring.yaml` on a day and the week up to it.

    Latency: P95 of assessed tasks, that is, at most 5 % of them are slower. Errors: tasks that
    expired or failed. For each, how much of the error budget is used, and when.
    """
    from streaming.lake.portions import gather

    alerts = settings.alerts
    limit_s, errors = alerts.latency_threshold_p95, alerts.error_rate_threshold
    week = window.start - (window.end - window.start) * (_WEEK_DAYS - 1)
    promised = f"""
        SELECT captured_at, end_to_end_ms, status = 'assessed' AS assessed,
               assessed AND end_to_end_ms > {limit_s * 1000} AS slow
        FROM verdicts
    """  # noqa: S608
    gather(con, "promised", promised, since=week, until=window.end)
    today, so_far = _budgets(con, window, errors), _budgets(con, None, errors)
    tasks = today["errors"].tasks
    if not tasks:
        return Report(_TITLE, "No task has ended in this time.", {"tasks": 0})
    (p95_s,) = con.execute(
        "SELECT quantile_cont(end_to_end_ms, 0.95) / 1000 FROM promised"
        " WHERE assessed AND captured_at >= ?",
        [window.start],
    ).fetchone() or (None,)
    measured = {
        "latency": None if p95_s is None else f"P95 {p95_s:.2f} s",
        "errors": share(today["errors"].bad / tasks),
    }
    objective = {"latency": f"P95 up to {limit_s:g} s", "errors": f"up to {share(errors)}"}
    rows: list[Row] = [
        (name, objective[name], measured[name], _kept(budget), budget.bad, budget.used,
         budget.left, so_far[name].used, so_far[name].left)
        for name, budget in today.items()
    ]  # fmt: skip
    missed = [name for name, budget in today.items() if (budget.used or 0) > 1]
    return Report(
        _TITLE,
        f"Missed: {' and '.join(missed)}." if missed else "Every objective is kept.",
        {
            "tasks": tasks,
            "p95_s": p95_s,
            "error_rate": today["errors"].bad / tasks,
            "latency_budget_used": today["latency"].used,
            "error_budget_used": today["errors"].used,
            "latency_budget_used_in_the_week": so_far["latency"].used,
            "error_budget_used_in_the_week": so_far["errors"].used,
        },
        [_picture(con, window, errors)],
        [
            Table(
                "objectives",
                "Objectives and error budget",
                (Column("Objective"), Column("Promised"), Column("Measured"), Column("Kept"),
                 Column("Bad tasks"), Column("Budget used", share), Column("Tasks left"),
                 Column("Used in 7 days", share), Column("Left in 7 days")),
                rows,
                _EXPLAINED,
            )
        ],
    )  # fmt: skip


def _kept(budget: Budget) -> str:
    return "–" if budget.used is None else "yes" if budget.used <= 1 else "no"


def _budgets(
    con: "duckdb.DuckDBPyConnection", window: Window | None, errors: float
) -> dict[str, Budget]:
    since = "" if window is None else f"WHERE captured_at >= TIMESTAMP '{window.start}'"
    tasks, assessed, slow = con.execute(
        f"SELECT count(*), count(*) FILTER (assessed), count(*) FILTER (slow) FROM promised {since}"  # noqa: S608
    ).fetchone() or (0, 0, 0)
    return {
        "latency": Budget(assessed, slow, _SLOW_ALLOWED),
        "errors": Budget(tasks, tasks - assessed, errors),
    }


def _picture(con: "duckdb.DuckDBPyConnection", window: Window, errors: float) -> Picture:
    """How fast the budget burns, and how much of the day's is used so far."""
    from trafficmon_dagster.defs.reports import plot, shapes

    found = con.execute(
        """
        SELECT time_bucket(?, captured_at, ?), count(*), count(*) FILTER (assessed),
               count(*) FILTER (slow)
        FROM promised WHERE captured_at >= ? GROUP BY 1 ORDER BY 1
        """,
        [window.step, window.start, window.start],
    ).fetchall()
    at = [window.local(row[0]) for row in found]
    burn: dict[str, list[float]] = {"latency": [], "errors": []}
    used: dict[str, list[float]] = {"latency": [], "errors": []}
    spent = {"latency": 0, "errors": 0}
    whole = {"latency": sum(r[2] for r in found), "errors": sum(r[1] for r in found)}
    allowed = {"latency": _SLOW_ALLOWED, "errors": errors}
    for _, tasks, assessed, slow in found:
        for name, of, bad in (("latency", assessed, slow), ("errors", tasks, tasks - assessed)):
            spent[name] += bad
            burn[name].append(Budget(of, bad, allowed[name]).used or 0.0)
            used[name].append(Budget(whole[name], spent[name], allowed[name]).used or 0.0)
    colors = {"latency": plot_style.AMBER, "errors": plot_style.PURPLE}
    one = ("1", 1.0)
    return plot.picture(
        "Burn rate of the error budgets, and how much of them is used so far",
        {
            "burn": lambda axes: shapes.lines(
                axes,
                at,
                {name: (colors[name], values) for name, values in burn.items()},
                f"Burn rate ({window.zone})",
                limit=one,
            ),
            "used": lambda axes: shapes.lines(
                axes,
                at,
                {name: (colors[name], values) for name, values in used.items()},
                "Budget used so far (1: all of it)",
                limit=("all of it", 1.0),
            ),
        },
        [["burn", "used"]],
        3.2,
    )


slo_report = report_asset(report("slo"), figures, DAILY, deps=[table("assessments")])
