"""What is measured: how many cameras, of what, how often, for how long. Pure."""

from dataclasses import dataclass

from streaming.messages import CameraCommand

SYNTHETIC = "synthetic://junction?vehicles=8&pedestrians=4"


@dataclass(frozen=True, slots=True)
class Load:
    """`source` is `synthetic` or anything that a camera's source may be."""

    cameras: int = 50
    interval_s: float = 1.8
    source: str = "synthetic"
    duration_s: float = 60.0
    saturate: bool = False
    trouble: bool = False
    soak: bool = False

    def camera(self, number: int) -> CameraCommand:
        """The n-th camera, from 1; synthetic ones differ by their seed."""
        synthetic = f"{SYNTHETIC}&seed={number}"
        return CameraCommand(
            camera_id=str(number),
            name=f"Camera {number}",
            source=synthetic if self.source == "synthetic" else self.source,
            interval_s=self.interval_s,
        )


def more(low: int | None, high: int | None, tried: int) -> int | None:
    """How many cameras to try next, or None when it is known to one in twenty.

    `low` is the most that were carried, `high` the fewest that were not, None while none is known.
    """
    if high is None:
        return tried * 2
    if low is None:
        return max(1, tried // 2) if tried > 1 else None
    return (low + high) // 2 if high - low > max(1, low // 20) else None
