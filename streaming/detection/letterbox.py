"""A frame scaled into the model's input, and boxes back to the frame. As ultralytics does it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

_GREY = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How frames of one size lie in the model's input; sizes in pixels, (height, width)."""

    frame: tuple[int, int]
    input: tuple[int, int]
    scaled: tuple[int, int]
    top: int
    left: int

    @classmethod
    def fit(cls, frame: tuple[int, int], size: int, stride: int, *, square: bool) -> "Letterbox":
        """Scale the longer side to `size`, then pad: to a square, or only to whole strides.

        A 16:9 frame padded to whole strides has 40 % fewer pixels than its square, and costs
        the model that much less.
        """
        scale = size / max(frame)
        scaled = (max(1, round(frame[0] * scale)), max(1, round(frame[1] * scale)))
        shape = (size, size) if square else (_whole(scaled[0], stride), _whole(scaled[1], stride))
        top = round((shape[0] - scaled[0]) / 2 - 0.1)
        left = round((shape[1] - scaled[1]) / 2 - 0.1)
        return cls(frame=frame, input=shape, scaled=scaled, top=top, left=left)

    def apply(self, image: Image) -> Image:
        """The frame as the model takes it, grey around it."""
        height, width = self.scaled
        if image.shape[:2] != self.scaled:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        if self.scaled == self.input:
            return image
        out = np.full((*self.input, 3), _GREY, np.uint8)
        out[self.top : self.top + height, self.left : self.left + width] = image
        return out

    def to_frame(self, xyxy: Boxes) -> Boxes:
        """Boxes in input pixels as boxes in frame pixels, clipped to the frame."""
        height, width = self.frame
        scale = max(self.scaled) / max(self.frame)  # the padding is not part of it
        moved = (xyxy - np.array([self.left, self.top] * 2, np.float32)) / np.float32(scale)
        limits = np.array([width, height] * 2, np.float32)
        clipped: Boxes = np.clip(moved, np.float32(0), limits)
        return clipped


def _whole(length: int, stride: int) -> int:
    return -(-length // stride) * stride
