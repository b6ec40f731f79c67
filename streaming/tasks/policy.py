"""The settings that task generation follows, as the values that its pure parts take. Pure."""

from streaming.settings import Settings
from streaming.tasks.decide import Policy
from streaming.tasks.gate import GatePolicy
from streaming.tasks.plan import PlanPolicy


def policy_of(settings: Settings) -> Policy:
    """Deadline, cameras' priorities, and what the gate compares."""
    gate = settings.tasks.gate
    return Policy(
        PlanPolicy(
            task_deadline_s=settings.scheduler.task_deadline_s,
            camera_priorities={c.id: c.priority for c in settings.cameras},
        ),
        GatePolicy(
            enabled=gate.enabled,
            repeat_after_s=gate.repeat_after_s,
            overlap=gate.overlap,
            calm_risk=gate.calm_risk,
            risk_tolerance=gate.risk_tolerance,
            tasks_per_minute=gate.tasks_per_minute,
        ),
    )
