"""What is measured: how many cameras, judged by whom, for how long. Pure."""

from dataclasses import dataclass
from typing import Literal

from streaming.messages import CameraCommand

Provider = Literal["simulator", "real"]

SYNTHETIC = "synthetic://junction?vehicles=8&pedestrians=4"
_BUILT_IN_S = 10.0
_START_S = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """`source` is `synthetic` or anything that a camera's source may be.

    `keys`, `qps` and `rpm` are the simulated provider's; the real one has the configured keys.
    """

    cameras: int = 50
    duration_s: float = 600.0
    warm_up_s: float = 30.0
    interval_s: float = 1.8
    source: str = "synthetic"
    provider: Provider = "simulator"
    keys: int = 10
    qps: float = 10.0
    rpm: int = 300
    gate: bool = True
    against_running: bool = False

    @property
    def start_timeout_s(self) -> float:
        """Until every camera gives frames: a synthetic one is a second of work to build, and on
        two cores shared with other programs it took seven."""
        return _START_S + _BUILT_IN_S * self.cameras

    def commands(self, prefix: str = "") -> list[CameraCommand]:
        """The cameras; synthetic ones differ by their seed."""
        return [
            CameraCommand(
                camera_id=f"{prefix}{number}",
                name=f"Camera {number}",
                source=f"{SYNTHETIC}&seed={number}" if self.source == "synthetic" else self.source,
                interval_s=self.interval_s,
            )
            for number in range(1, self.cameras + 1)
        ]
