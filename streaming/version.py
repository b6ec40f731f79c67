"""The one version: pyproject.toml's, as the installed package knows it."""

from importlib.metadata import version

VERSION = version("trafficmon")
USER_AGENT = f"trafficmon/{VERSION}"
