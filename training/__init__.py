"""Makes the shipped detection model: scenes, recordings, training, export and evaluation."""

from typing import Final

CLASSES: Final = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
"""In the order of the model's outputs."""
IMAGE_SIZE: Final = 320
