"""config/detection.yaml, `tasks`: which groups are worth a call to the model."""

from pydantic import Field

from streaming.settings.base import Section


class GateSettings(Section):
    """What counts as asked already."""

    enabled: bool = Field(True, description="Whether groups asked a moment ago are skipped")
    repeat_after_s: float = Field(
        20, ge=0, le=120, description="A group like one sent is asked again after this, s"
    )
    overlap: float = Field(
        0.3, gt=0, le=1, description="Least overlap (IoU) of two boxes in the same place"
    )
    calm_risk: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Up to this surrogate risk the group's box is compared, above it each member's",
    )
    risk_tolerance: float = Field(
        0.05, ge=0, le=1, description="A surrogate risk higher by more than this is asked at once"
    )
    tasks_per_minute: int = Field(
        300, ge=1, le=10_000, description="Most tasks of one camera in any minute"
    )


class TaskSettings(Section):
    """How groups become tasks."""

    gate: GateSettings = Field(GateSettings(), description="What counts as asked already")
