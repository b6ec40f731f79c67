"""`python -m streaming.detection` is `trafficmon run detection`."""

from streaming.cli import main

if __name__ == "__main__":
    main("run", "detection")
