"""`python -m streaming.tasks` is `trafficmon run tasks`."""

from streaming.cli import main

if __name__ == "__main__":
    main("run", "tasks")
