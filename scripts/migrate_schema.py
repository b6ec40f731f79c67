"""The guide's name for `trafficmon migrate`."""

from streaming.cli import main

main("migrate")
