"""How many cameras one detection worker carries, and what trouble among them does to the others.

Real Kafka, real Redis, the worker in a process of its own as `trafficmon run detection` starts it;
this process plays consumer and, with `--trouble`, the cameras that misbehave.
"""

from streaming.benchmark.detection.load import Load
from streaming.benchmark.detection.measure import measure

__all__ = ["Load", "measure"]
