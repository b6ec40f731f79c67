"""Frames as JPEG: the overview and one crop a group, both bounded in size. Pure."""

from dataclasses import dataclass

import cv2

from streaming.detection.sources import Image
from streaming.messages import BBox


@dataclass(frozen=True, slots=True)
class PictureRules:
    """`max_px` bounds the longer side; `quality` is JPEG's, 1 to 100."""

    max_px: int
    quality: int


def jpeg(image: Image, rules: PictureRules) -> bytes:
    """The image, made smaller where its longer side is over the bound."""
    height, width = image.shape[:2]
    scale = rules.max_px / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, rules.quality])
    if not ok:
        raise ValueError(f"cannot encode an image of shape {image.shape}")
    return bytes(data)


def crop(image: Image, box: BBox) -> Image:
    """The part of the image inside the box, at least one pixel."""
    height, width = image.shape[:2]
    left, top = min(int(box[0]), width - 1), min(int(box[1]), height - 1)
    right, bottom = max(left + 1, round(box[2])), max(top + 1, round(box[3]))
    return image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
