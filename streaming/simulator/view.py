"""A pinhole camera above the crossroads: metres to pixels and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from streaming.simulator.roads import Floats


@dataclass(frozen=True)
class View:
    """Angles in degrees; yaw 0 looks north, elevation is how far the camera looks down."""

    width: int
    height: int
    yaw: float = 0.0
    elevation: float = 33.0
    zoom: float = 1.0
    target: tuple[float, float] = (0.0, 1.0)
    distance_m: float = 46.0

    @cached_property
    def focal(self) -> float:
        return 1.46 * self.zoom * max(self.width, self.height * 1.6)

    @cached_property
    def axes(self) -> Floats:
        """Rows: right, down and forward of the image, in the world's coordinates."""
        yaw, down = math.radians(self.yaw), math.radians(self.elevation)
        forward = np.array(
            [math.sin(yaw) * math.cos(down), math.cos(yaw) * math.cos(down), -math.sin(down)]
        )
        right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        rows: Floats = np.stack([right, np.cross(forward, right), forward])
        return rows

    @cached_property
    def eye(self) -> Floats:
        eye: Floats = np.array([*self.target, 0.0]) - self.axes[2] * self.distance_m
        return eye

    def project(self, points: Floats) -> Floats:
        """World points (n, 3) in m to pixels (n, 2)."""
        local = points @ self.axes.T - self._eye_local
        depth = np.maximum(local[:, 2:], 1.0)
        pixels: Floats = local[:, :2] * (self.focal / depth) + self._middle
        return pixels

    @cached_property
    def _eye_local(self) -> Floats:
        local: Floats = self.axes @ self.eye
        return local

    @cached_property
    def _middle(self) -> Floats:
        return np.array([self.width / 2, self.height / 2])

    def near(self, x: float, y: float, margin: float) -> bool:
        """Whether a ground point is in the picture or at most a margin in px outside it."""
        u, v = self.project(np.array([[x, y, 0.0]]))[0].tolist()
        return bool(-margin < u < self.width + margin and -margin < v < self.height + margin)

    def depth(self, x: float, y: float) -> float:
        """Distance of a ground point along the line of sight, in m."""
        eye, forward = self.eye, self.axes[2]
        return float((x - eye[0]) * forward[0] + (y - eye[1]) * forward[1] - eye[2] * forward[2])

    def on_ground(self, pixels: Floats) -> Floats:
        """Ground points (n, 2) in m that lie under pixels (n, 2) below the horizon."""
        local = np.c_[(pixels - self._middle) / self.focal, np.ones(len(pixels))]
        rays = local @ self.axes
        points: Floats = (self.eye - rays * (self.eye[2] / rays[:, 2:]))[:, :2]
        return points

    def ground(self, scale: int) -> tuple[Floats, Floats, Floats]:
        """For every pixel of an image `scale` times as large: ground x, y (h, w) and pixels a m."""
        xs = (np.arange(self.width * scale) + 0.5) / scale - self.width / 2
        ys = (np.arange(self.height * scale) + 0.5) / scale - self.height / 2
        u, v = np.meshgrid(xs / self.focal, ys / self.focal)
        right, down, forward = self.axes
        dz = u * right[2] + v * down[2] + forward[2]
        reach = -self.eye[2] / np.minimum(dz, -0.02)
        x = self.eye[0] + reach * (u * right[0] + v * down[0] + forward[0])
        y = self.eye[1] + reach * (u * right[1] + v * down[1] + forward[1])
        return x, y, self.focal * scale / reach
