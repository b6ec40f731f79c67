"""Where frames come from. Every kind of camera opens and reads the same way."""

from streaming.detection.sources.address import Kind, kind_of, masked
from streaming.detection.sources.base import Captured, Image, Source
from streaming.detection.sources.opening import open_source
from streaming.detection.sources.sampling import Sampling

__all__ = ["Captured", "Image", "Kind", "Sampling", "Source", "kind_of", "masked", "open_source"]
