"""The whole path, from the cameras to the wall, as `trafficmon up` runs it.

Real Kafka, real Redis, every daemon in a process of its own; the command itself only reads.
Latency counts from the moment at which a frame was due, so that a stall shows as what it is.
"""
