"""The guide's name for `trafficmon keys verify`."""

import sys

from streaming.cli import main

sys.argv[1:1] = ["keys", "verify"]
main()
