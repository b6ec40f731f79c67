"""What every source offers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3), BGR."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One frame and the moment it was taken (UTC)."""

    image: Image
    captured_at: datetime


class Source(Protocol):
    """An open camera. Used by one thread; `close` may be called twice."""

    def read(self) -> Captured:
        """The newest frame: of a live stream the next to arrive, of a file the one due now.

        Raises:
            CameraError: the camera gives no more frames; close it and open it again.
        """

    def close(self) -> None:
        """Let go of the camera; does not wait for a stream that hangs."""
