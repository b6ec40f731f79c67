"""Dagster's three parts as services of their own, for machines where systemd runs them.

`dagster-code` has our definitions and starts runs; `dagster-webserver` shows the page;
`dagster-daemon` is the clock of schedules and sensors. The last two reach the first through a
socket in the state folder: at a port, anybody on this machine could launch code.
"""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from streaming.settings import Settings
from streaming.supervision.dagster_home import prepare_dagster_home

LOCATION = "trafficmon"
_DEFINITIONS = "trafficmon_dagster.definitions"


def execute(part: str, settings: Settings) -> NoReturn:
    """Become that part; `serving.dagster.port` says where the page is."""
    home = prepare_dagster_home(settings)
    words = command(part, settings, home)
    # Runs start in folders of their own: ours must not be a relative one.
    state_dir = str(settings.state_dir.absolute())
    environ = os.environ | {"DAGSTER_HOME": str(home), "TRAFFICMON_STATE_DIR": state_dir}
    os.execve(words[0], words, environ)  # noqa: S606  (no shell is meant)


def command(part: str, settings: Settings, home: Path) -> list[str]:
    """The words of that part; the workspace that names the code server is written to `home`."""
    tools, socket = Path(sys.executable).parent, home / "code.sock"
    if part == "dagster-code":
        names = ["-m", _DEFINITIONS, "--location-name", LOCATION]
        python = "--use-python-environment-entry-point"
        return [str(tools / "dagster"), "code-server", "start", "-s", str(socket), *names, python]
    server = {"socket": str(socket), "location_name": LOCATION}
    workspace = home / "workspace.yaml"
    # JSON is YAML too.
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
    if part == "dagster-webserver":
        place = ["-h", settings.serving.dagster.host, "-p", str(settings.serving.dagster.port)]
        return [str(tools / "dagster-webserver"), "-w", str(workspace), *place]
    return [str(tools / "dagster-daemon"), "run", "-w", str(workspace)]
