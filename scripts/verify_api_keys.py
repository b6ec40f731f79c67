"""The guide's name for `trafficmon keys verify`."""

from streaming.cli import main

main("keys", "verify")
