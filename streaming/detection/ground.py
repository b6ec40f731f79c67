"""From fractions of a frame to its pixels, and from pixels to metres on the ground. Pure."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.messages import Homography


def to_px(points: Sequence[tuple[float, float]], size: tuple[int, int]) -> NDArray[np.float32]:
    """(n, 2) pixels of a frame of `size` (width, height)."""
    return np.asarray(points, np.float32) * np.asarray(size, np.float32)


def ground_matrix(homography: Homography, size: tuple[int, int]) -> NDArray[np.float64]:
    """The 3x3 matrix from pixels of a frame of `size` (width, height) to metres on the ground."""
    ground_m = np.asarray(homography.ground_m, np.float32)
    return np.asarray(cv2.getPerspectiveTransform(to_px(homography.image, size), ground_m))


def to_ground_m(matrix: NDArray[np.float64], points_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) pixels as (n, 2) metres; points at the horizon become infinite or nan."""
    whole = np.c_[np.asarray(points_px, np.float64), np.ones(len(points_px))] @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        metres: NDArray[np.float64] = whole[:, :2] / whole[:, 2:]
    return metres
