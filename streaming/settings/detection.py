"""config/detection.yaml: the model, the groups, the pictures."""

from typing import Literal, get_args

from pydantic import Field, model_validator

from streaming.settings.base import Section

ClassName = Literal[
    "person", "bicycle", "car", "motorcycle", "bus", "truck", "traffic light", "stop sign"
]
CLASSES: tuple[ClassName, ...] = get_args(ClassName)


class DetectionSettings(Section):
    """config/detection.yaml."""

    model: str = Field(
        "builtin", min_length=1, description="builtin, or any path or name ultralytics loads"
    )
    runtime: Literal["openvino", "torch", "onnx"] = Field(
        "openvino", description="What runs the model"
    )
    device: str = Field("cpu", min_length=1, description="cpu, cuda:0, intel:gpu, …")
    image_size_px: int = Field(320, ge=64, le=2048, multiple_of=32, description="Model input, px")
    confidence: float = Field(0.35, ge=0, le=1, description="Least confidence of a detection")
    iou: float = Field(0.5, ge=0, le=1, description="Overlap at which two boxes are one")
    classes: tuple[ClassName, ...] = Field(CLASSES, min_length=1, description="What is kept")
    interval_s: float = Field(1.8, ge=0.02, le=3600, description="Seconds between frames")
    distance_threshold_px: float = Field(
        150, gt=0, le=10_000, description="Box centres nearer than this are one group, px"
    )
    min_group_size: int = Field(2, ge=1, le=100, description="Fewest road users in a group")
    crop_margin_px: int = Field(12, ge=0, le=1000, description="Margin around a group's crop, px")
    image_ttl_s: float = Field(300, ge=10, le=86_400, description="How long pictures are kept, s")
    max_image_px: int = Field(960, ge=64, le=8192, description="Longest side of a picture, px")
    jpeg_quality: int = Field(80, ge=10, le=100, description="JPEG quality")
    batch_size: int = Field(8, ge=1, le=256, description="Most frames in one inference")
    reconnect_min_s: float = Field(1, ge=0.1, le=3600, description="First wait to reconnect, s")
    reconnect_max_s: float = Field(5, ge=0.1, le=3600, description="Longest wait to reconnect, s")
    stall_intervals: float = Field(
        4, ge=1, le=1000, description="Intervals without a frame (4 to 30 s) that mean it hangs"
    )
    key_frames: bool = Field(
        True, description="Decode only a stream's key frames where they come once an interval"
    )
    queue_size: int = Field(64, ge=1, le=10_000, description="Most frames waiting to be published")

    @model_validator(mode="after")
    def _waits_in_order(self) -> "DetectionSettings":
        if self.reconnect_min_s > self.reconnect_max_s:
            raise ValueError(
                f"must have reconnect_min_s ({self.reconnect_min_s:g}) no longer than "
                f"reconnect_max_s ({self.reconnect_max_s:g})"
            )
        return self
