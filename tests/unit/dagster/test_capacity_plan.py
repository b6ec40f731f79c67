"""The plan by hand, and what is measured for it on a lake of a few rows."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from streaming.messages import Latency
from tests.builders import assessment_task, detection_result, risk_assessment
from tests.unit.lake.rows import bring
from trafficmon_dagster.defs.capacity.capacity_plan import (
    CapacityPlanConfig,
    capacity_plan,
    measured,
)
from trafficmon_dagster.defs.capacity.plan import Account, Demand, Need, carried, plan
from trafficmon_dagster.defs.reports.window import Window

DEMAND = Demand(
    calls_per_camera_minute=10,
    peak_factor=2,
    tokens_per_call=500,
    call_s=1.5,
    cost_per_call=0.01,
)


def account(**limits):
    return Account(**{"name": "a", "keys": 1, "qps": 10, "rpm": 300} | limits)


@pytest.mark.parametrize(
    ("limits", "calls_per_minute", "bound_by"),
    [
        ({}, 300, "rpm_limit"),
        ({"qps": 1}, 60, "qps_limit"),
        ({"tpm": 60_000}, 120, "tpm_limit"),
        ({"in_flight": 2}, 80, "in_flight_limit"),
        ({"tpm": 60_000, "in_flight": 2, "qps": 1}, 60, "qps_limit"),
        ({"keys": 3}, 300, "rpm_limit"),
    ],
)
def test_an_account_carries_what_its_narrowest_limit_allows(limits, calls_per_minute, bound_by):
    found = carried(account(**limits), DEMAND)

    assert (found.calls_per_minute, found.bound_by) == (calls_per_minute, bound_by)


@pytest.mark.parametrize(
    ("accounts", "headroom", "cameras"),
    [
        ([account()], 1.0, 15),  # 300 calls at 20 a busy minute
        ([account(), account()], 0.8, 24),
        ([account(rpm=19)], 1.0, 0),
    ],
)
def test_todays_keys_carry_so_many_cameras_at_peak(accounts, headroom, cameras):
    assert plan(DEMAND, accounts, headroom).cameras == cameras


def test_cameras_need_keys_calls_at_once_and_money():
    found = plan(DEMAND, [account(), account()], 0.8)

    # 1000 calls a busy minute at 240 a key; 16.7 a second for 1.5 s each; 500 a minute all day.
    assert found.need(50) == Need(50, 1000, 5, 25, 7200)
    assert found.need(12).keys == 1
    assert found.need(13).keys == 2


def test_demand_is_measured_from_tasks_and_not_from_what_the_keys_allowed(lake):
    minute = datetime(2026, 11, 23, 12, tzinfo=UTC)
    asked = [(0, "1")] * 2 + [(0, "2")] * 2 + [(1, "1"), (1, "2")]
    at = [
        {"message_id": f"m{n}", "camera_id": camera, "captured_at": minute + timedelta(minutes=m)}
        for n, (m, camera) in enumerate(asked)
    ]
    bring(lake, "detections", *(detection_result(**fields) for fields in at))
    bring(lake, "tasks", *(assessment_task(**fields) for fields in at))
    spent = Latency(queue_ms=0.0, llm_ms=800.0, end_to_end_ms=900.0)
    answered = risk_assessment(**at[0], attempts=2, latency=spent)
    bring(lake, "assessments", answered, risk_assessment(**at[1], status="expired", attempts=0))
    start = minute.replace(tzinfo=None)

    found = measured(lake, Window(start, start + timedelta(hours=1), "UTC", start))

    # 6 tasks in 4 minutes of a camera; 2 calls a task; minutes of 2 and 1 tasks a camera.
    assert found.calls_per_camera_minute == pytest.approx(3.0)
    assert found.peak_factor == pytest.approx(1.95 / 1.5)
    assert (found.tokens_per_call, found.call_s) == (240, pytest.approx(0.4))
    assert found.cost_per_call == pytest.approx(0.0005)


@pytest.mark.parametrize("cameras", [1, 80])
def test_the_asset_plans_for_as_many_cameras_as_it_is_told(cameras, lake, trafficmon):
    about = {"captured_at": datetime.now(UTC) - timedelta(minutes=1)}
    bring(lake, "detections", detection_result(**about))
    bring(lake, "tasks", assessment_task(**about))
    bring(lake, "assessments", risk_assessment(**about))

    result = dg.materialize(
        [capacity_plan],
        resources={"trafficmon": trafficmon},
        run_config=dg.RunConfig(ops={"capacity_plan": CapacityPlanConfig(cameras=cameras)}),
    )

    (event,) = result.get_asset_materialization_events()
    shown = {key: value.value for key, value in event.materialization.metadata.items()}
    # A call a minute: three simulated keys of 300 a minute, 80 % used, carry 720 cameras.
    assert shown["cameras_carried"] == 720
    assert f"{cameras} cameras need 1 keys" in shown["summary"]


def test_there_is_nothing_to_plan_from_on_an_empty_lake(lake, trafficmon):
    result = dg.materialize([capacity_plan], resources={"trafficmon": trafficmon})

    (event,) = result.get_asset_materialization_events()
    assert "Nothing to plan from" in event.materialization.metadata["summary"].value
