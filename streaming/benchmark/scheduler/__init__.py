"""How much of the keys' limits the schedulers use, and what they add to a call.

Real Kafka, real Redis, the strict simulator and each scheduler in a process of its own; this
process makes the load and reads the results. The provider's own count is what is reported.
"""

from streaming.benchmark.scheduler.load import Arrivals, Load, Scenario
from streaming.benchmark.scheduler.measure import measure

__all__ = ["Arrivals", "Load", "Scenario", "measure"]
