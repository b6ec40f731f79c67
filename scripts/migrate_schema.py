"""The guide's name for `trafficmon migrate`."""

import sys

from streaming.cli import main

sys.argv[1:1] = ["migrate"]
main()
