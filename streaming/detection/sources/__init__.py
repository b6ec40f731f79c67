"""Where frames come from. Every kind of camera opens and reads the same way."""

from streaming.detection.sources.address import Kind, kind_of, masked
from streaming.detection.sources.base import Captured, Image, Source
from streaming.detection.sources.opening import open_source

__all__ = ["Captured", "Image", "Kind", "Source", "kind_of", "masked", "open_source"]
