"""`python -m streaming.scheduling` is `trafficmon run scheduling`."""

from streaming.cli import main

if __name__ == "__main__":
    main("run", "scheduling")
