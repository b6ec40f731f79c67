"""`trafficmon backup` and `restore`: settings, the lake's catalog and Dagster's memory in one file.

Not in it: Kafka and Redis, whose contents are the work of minutes, and the reports, which are made
anew from the lake. The lake's Parquet files are in it when asked for.
"""

from streaming.backup.make import back_up
from streaming.backup.manifest import Manifest
from streaming.backup.restore import Restored, restore

__all__ = ["Manifest", "Restored", "back_up", "restore"]
