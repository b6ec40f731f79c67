"""The guide's name for `trafficmon bench pipeline`."""

import sys

from streaming.cli import main

# Its daemons are processes that import this file again.
if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "pipeline"]
    main()
