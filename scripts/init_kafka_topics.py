"""The guide's name for `trafficmon topics init`."""

from streaming.cli import main

main("topics", "init")
