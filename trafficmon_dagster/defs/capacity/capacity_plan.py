"""The capacity plan: measured in the lake, worked out by `plan`, shown like a report."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from streaming.markdown import money, share
from trafficmon_dagster.defs.capacity.plan import Account, Demand, plan
from trafficmon_dagster.defs.reports.report import Column, Report, Table
from trafficmon_dagster.defs.reports.report_asset import published, shown
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import ANALYTICS, API_KEYS, CAPACITY_PLAN, REPORTS, table
from trafficmon_dagster.partitions import TIME_ZONE
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Capacity plan: cameras, keys and cost"
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_EXPLAINED = (
    "Only the keys are planned here. What this machine's processor carries is measured by"
    " `trafficmon bench detector`; keys of one account share its limits and add nothing."
)


class CapacityPlanConfig(dg.Config):
    """What to plan for."""

    cameras: int = Field(default=50, description="For how many cameras to plan", gt=0, le=100_000)
    headroom: float = Field(
        default=0.8,
        description="Share of the limits to use in a busy minute; the rest is for retries",
        gt=0,
        le=1,
    )
    hours: float = Field(default=24.0, description="How far back rates are measured", gt=0)


@dg.asset(
    key=CAPACITY_PLAN,
    deps=[table("detections"), table("tasks"), table("assessments"), API_KEYS],
    group_name=REPORTS,
    kinds={"duckdb", "matplotlib"},
    owners=ANALYTICS,
    automation_condition=dg.AutomationCondition.on_cron("40 * * * *"),
)
def capacity_plan(config: CapacityPlanConfig, trafficmon: Trafficmon) -> dg.MaterializeResult[Any]:
    """How many cameras today's keys carry, how many keys N cameras need, and what a day costs.

    From what cameras asked for, how long calls took and what they cost, and the limits of
    `config/api_keys.yaml`. To plan for another number of cameras: *Materialize*, *Open launchpad*.
    """
    settings = trafficmon.settings()
    now = datetime.now(UTC).replace(tzinfo=None)
    window = Window(now - timedelta(hours=config.hours), now, TIME_ZONE, now)
    with trafficmon.lake_to_read() as con:
        demand = measured(con, window)
    report = capacity_report(demand, settings, config)
    covers = f"Measured in the last {config.hours:g} h; {share(config.headroom)} of limits used."
    page = published(report, window, settings.reports_dir, "capacity")
    return dg.MaterializeResult(metadata=shown(report, covers) | {"page": page})


def measured(con: "duckdb.DuckDBPyConnection", window: Window) -> Demand | None:
    """What one camera asks for; None where no task was planned and answered in this time.

    Planned tasks count, whether or not there was a key for them: a shortage does not hide itself.
    """
    span = [window.start, window.end]
    rate = con.execute(
        """
        WITH seen AS (
          SELECT date_trunc('minute', captured_at) AS minute, count(DISTINCT camera_id) AS cameras
          FROM detections WHERE captured_at >= ? AND captured_at < ? GROUP BY 1
        ), asked AS (
          SELECT date_trunc('minute', captured_at) AS minute, count(*) AS tasks
          FROM tasks WHERE captured_at >= ? AND captured_at < ? GROUP BY 1
        ), rates AS (
          SELECT cameras, coalesce(tasks, 0) AS tasks, coalesce(tasks, 0) / cameras AS rate
          FROM seen LEFT JOIN asked USING (minute)
        )
        SELECT sum(tasks) / sum(cameras), quantile_cont(rate, 0.95) FROM rates
        """,
        [*span, *span],
    ).fetchone()
    call = con.execute(
        """
        SELECT sum(attempts) / count(*), sum(prompt_tokens + completion_tokens) / sum(attempts),
               sum(llm_ms) / sum(attempts) / 1000, sum(cost) / sum(attempts)
        FROM verdicts WHERE attempts > 0 AND captured_at >= ? AND captured_at < ?
        """,
        span,
    ).fetchone()
    if not rate or not rate[0] or not call or not call[0]:
        return None
    (tasks, busy), (calls_per_task, tokens, call_s, cost) = rate, call
    peak = max(1.0, busy / tasks)
    return Demand(tasks * calls_per_task, peak, tokens or 0.0, call_s or 0.0, cost or 0.0)


def accounts(settings: "Settings") -> list[Account]:
    """Each account's limits, as the scheduler holds to them."""
    from streaming.scheduling.keys import accounts_of

    keys = [key for key in settings.api_keys if key.enabled]
    found = accounts_of(keys)
    shared = list(found.of_key.values())
    return [
        Account(name, shared.count(name), b.qps, b.rpm, b.tpm, b.in_flight)
        for name, b in found.budgets.items()
    ]


def capacity_report(
    demand: Demand | None, settings: "Settings", config: CapacityPlanConfig
) -> Report:
    """The plan as a report."""
    from trafficmon_dagster.defs.capacity.curves import curves

    ours = accounts(settings)
    if demand is None:
        return Report(_TITLE, "Nothing to plan from: no task was answered in this time.")
    if not ours:
        return Report(_TITLE, "No key is enabled in api_keys.yaml: no camera can be served.")
    found = plan(demand, ours, config.headroom)
    wanted = found.need(config.cameras)
    currency = settings.provider.price_currency
    at_once = settings.scheduler.max_concurrent_tasks
    keys = sum(account.keys for account in ours)
    summary = (
        f"Today's {keys} keys carry {found.cameras:,} cameras. {wanted.cameras:,} cameras need"
        f" {wanted.keys:,} keys, {wanted.calls_under_way:,} calls at once"
        f" (scheduler.max_concurrent_tasks is {at_once:,}) and {money(wanted.cost_a_day)}"
        f" {currency} a day."
    )
    counts = sorted({*_STEPS, config.cameras, *([found.cameras] if found.cameras else [])})
    needs = [found.need(n) for n in counts]
    return Report(
        _TITLE,
        summary,
        {
            "cameras_carried": found.cameras,
            "keys_needed": wanted.keys,
            "calls_at_once": wanted.calls_under_way,
            "cost_a_day": wanted.cost_a_day,
            "calls_per_camera_minute": demand.calls_per_camera_minute,
            "peak_factor": demand.peak_factor,
            "call_s": demand.call_s,
        },
        [curves(found, config.cameras, currency)],
        [
            Table(
                "plan",
                "What cameras need",
                (Column("Cameras"), Column("Calls a minute at peak", lambda v: f"{v:,.1f}"),
                 Column("Keys"), Column("Calls at once"), Column(f"{currency} a day", money)),
                [(n.cameras, n.peak_calls_per_minute, n.keys, n.calls_under_way, n.cost_a_day)
                 for n in needs],
                "Keys with the limits of today's on average, each on an account of its own.",
            ),
            Table(
                "keys",
                "What today's accounts carry",
                (Column("Account"), Column("Keys"), Column("Calls a minute", lambda v: f"{v:,.0f}"),
                 Column("Bound by")),
                [(c.account.name, c.account.keys, c.calls_per_minute, c.bound_by)
                 for c in found.carried],
            ),
            Table(
                "measured",
                "What was measured",
                (Column("Figure"), Column("Value", lambda v: f"{v:,.4g}"), Column("Unit")),
                [
                    ("Calls of a camera", demand.calls_per_camera_minute, "a minute"),
                    ("Busy minute (P95) against the mean", demand.peak_factor, "times"),
                    ("Tokens of a call", demand.tokens_per_call, "tokens"),
                    ("Duration of a call", demand.call_s, "s"),
                    ("Cost of a call", demand.cost_per_call, currency),
                ],
            ),
        ],
        _EXPLAINED,
    )  # fmt: skip
