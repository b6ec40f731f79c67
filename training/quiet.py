"""Keeps ultralytics from the network and from the home directory; call before importing it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def stay_offline() -> None:
    settings = Path(tempfile.gettempdir()) / "trafficmon-ultralytics"
    settings.mkdir(exist_ok=True)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(settings))
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
