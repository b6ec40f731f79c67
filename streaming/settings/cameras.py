"""config/cameras.yaml: the cameras."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from streaming import messages
from streaming.settings.addresses import check_stream
from streaming.settings.base import Section, matching

STREAM_SCHEMES = (
    "rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "udp", "srt", "tcp",
)  # fmt: skip
SCHEMES = (*STREAM_SCHEMES, "file", "synthetic", "webcam")
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)

CameraId = Annotated[str, matching(r"[A-Za-z0-9._-]{1,64}", "be 1 to 64 letters, digits and . _ -")]


Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64)]
Metres = Annotated[float, Field(ge=-100_000, le=100_000)]


class Zone(Section):
    """A part of the picture with a meaning of its own."""

    name: str = Field(min_length=1, max_length=100, description="What operators call it")
    kind: messages.ZoneKind = Field(
        description="Vehicles that stand still are told of in all but `parking`"
    )
    polygon: Polygon = Field(
        description="Its corners, 3 to 64: [x, y], each a fraction (0 to 1) of the frame's width "
        "and height from its top left corner"
    )
    direction: tuple[Point, Point] | None = Field(
        None, description="An arrow, [from, to], along which traffic goes; against it is wrong way"
    )

    @model_validator(mode="after")
    def _has_area(self) -> "Zone":
        self.as_message()
        return self

    def as_message(self) -> messages.Zone:
        """As it goes over the wire. Raises ValueError if it has no area."""
        return messages.Zone(self.name, self.kind, self.polygon, self.direction)


class Homography(Section):
    """Four points whose places on the ground were measured."""

    image: tuple[Point, Point, Point, Point] = Field(
        description="Four points of the picture, fractions as in a zone's polygon"
    )
    ground_m: tuple[
        tuple[Metres, Metres],
        tuple[Metres, Metres],
        tuple[Metres, Metres],
        tuple[Metres, Metres],
    ] = Field(description="Where they lie on flat ground, [x, y] in metres, in the same order")

    @model_validator(mode="after")
    def _spans_a_plane(self) -> "Homography":
        self.as_message()
        return self

    def as_message(self) -> messages.Homography:
        """As it goes over the wire. Raises ValueError for three points on one line."""
        return messages.Homography(self.image, self.ground_m)


class Camera(Section):
    """One camera."""

    id: CameraId = Field(description="Letters, digits, . _ -, as they are written: 010 is not 10")
    name: str = Field(
        "", max_length=100, description="What operators call it; left out, `Camera <id>`"
    )
    source: str = Field(
        min_length=1,
        max_length=2000,
        description="rtsp, http or synthetic address, a file, a folder of images, or a webcam's "
        "number; a relative path starts at the current folder; a file or folder that ends with "
        "#once is played once",
    )
    enabled: bool = Field(True, description="Whether it runs")
    interval_s: float | None = Field(
        None, ge=0.02, le=3600, description="Seconds between frames; unset: detection.interval_s"
    )
    notes: str = Field("", max_length=500, description="What is normal here; the model is told")
    priority: int = Field(50, ge=0, le=100, description="0 can wait, 100 first")
    zones: tuple[Zone, ...] = Field((), max_length=64, description="Lanes, crossings and so on")
    privacy_masks: tuple[Polygon, ...] = Field(
        (), max_length=64, description="Polygons painted over before a frame is looked at or kept"
    )
    homography: Homography | None = Field(
        None, description="From the picture to metres on the ground; unset: pixels only"
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("name") and "id" in values:
            return values | {"name": f"Camera {values['id']}"}
        return values

    @field_validator("privacy_masks")
    @classmethod
    def _masks_have_area(cls, masks: tuple[Any, ...]) -> tuple[Any, ...]:
        for mask in masks:
            messages.check_polygon(mask)
        return masks

    @field_validator("source")
    @classmethod
    def _can_be_opened(cls, source: str) -> str:
        address = _ADDRESS.match(source)
        if address is None:
            if re.match(rf"(?:{'|'.join(STREAM_SCHEMES)}):", source, re.IGNORECASE):
                raise ValueError("must have // after the scheme")
            return source
        scheme = address["scheme"].lower()
        if scheme not in SCHEMES:
            raise ValueError(
                f"must begin with {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}, not {scheme}; "
                "a file's path and a webcam's number need no scheme"
            )
        if scheme == "synthetic" and not re.match(r"junction(\?|$)", address["rest"]):
            raise ValueError("must be synthetic://junction, with ?seed=1&… if you like")
        if not address["rest"].strip("/"):
            raise ValueError(f"must say what to open after {scheme}://")
        if scheme in STREAM_SCHEMES:
            check_stream(source)
        return source


def cameras_of(sources: Sequence[str]) -> list[dict[str, str]]:
    """What the CAMERAS variable means: cameras 1, 2, … named after their file or host."""
    return [
        {"id": str(number), "name": _name(source, number), "source": source}
        for number, source in enumerate(sources, 1)
    ]


def _name(source: str, number: int) -> str:
    if "://" not in source:
        stem = PurePath(source).stem
        return stem[:100] if stem and not stem.isdigit() else f"Camera {number}"
    try:
        host = urlsplit(source).hostname or ""
    except ValueError:
        host = ""
    return f"{host or 'Camera'} {number}"[:100]
