"""The guide's name for `trafficmon topics init`."""

import sys

from streaming.cli import main

sys.argv[1:1] = ["topics", "init"]
main()
