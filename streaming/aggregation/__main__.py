"""`python -m streaming.aggregation` is `trafficmon run aggregation`."""

from streaming.cli import main

if __name__ == "__main__":
    main("run", "aggregation")
