"""config/ for whoever has none: an installed Trafficmon in an empty folder."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from streaming.settings.environment import cleaned
from streaming.settings.sources import CONFIG_DIR, config_folder

HERE = Path(__file__).parent


def provide(environ: Mapping[str, str] | None = None) -> Path | None:
    """Write the templates to `config` if that is not there and no other folder is named.

    Returns it if it was written; nothing can be written in a folder that is read-only, and then
    the environment alone has the settings.
    """
    environ = cleaned(os.environ if environ is None else environ)
    folder = config_folder(None, environ)
    if environ.get(CONFIG_DIR) or folder.exists():
        return None
    try:
        folder.mkdir()
        for template in sorted(HERE.glob("*.yaml")):
            shutil.copyfile(template, folder / template.name)
    except OSError:
        return None
    return folder
