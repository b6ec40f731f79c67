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
    """The 3x3 matrix from pixels of a frame of `size` (width, height) to metres on the ground.

    Its sign is such that the marked points have a positive depth.
    """
    ground_m, image = np.asarray(homography.ground_m, np.float32), to_px(homography.image, size)
    matrix = np.asarray(cv2.getPerspectiveTransform(image, ground_m), np.float64)
    depth = np.r_[image.mean(axis=0), 1.0] @ matrix[2]
    return -matrix if depth < 0 else matrix


def to_ground_m(matrix: NDArray[np.float64], points_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) pixels as (n, 2) metres; nan at the horizon and above, where no ground is.

    Beyond the horizon the same formula gives points behind the camera.
    """
    whole = np.c_[np.asarray(points_px, np.float64), np.ones(len(points_px))] @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        metres: NDArray[np.float64] = np.where(
            whole[:, 2:] > 0, whole[:, :2] / whole[:, 2:], np.nan
        )
    return metres
