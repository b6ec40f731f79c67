"""`python -m streaming.api` is `trafficmon run api`."""

from streaming.cli import main

if __name__ == "__main__":
    main("run", "api")
