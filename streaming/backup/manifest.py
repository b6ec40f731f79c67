"""What a backup says of itself: versions, and every file's size and hash. Pure."""

import msgspec

from streaming.errors import TrafficmonError

NAME = "manifest.json"
FORMAT = 1
CONFIG, CATALOG, CATALOG_DUMP = "config/", "lake/catalog.sqlite", "lake/catalog.dump"
DATA, DAGSTER, DAGSTER_DUMP = "lake/data/", "dagster/", "dagster.dump"


class BadBackup(TrafficmonError):
    """A file that is no whole backup, or one that this version must not restore."""


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A file of the backup; `mode` is its permissions, as chmod takes them."""

    name: str
    size: int
    sha256: str
    mode: int


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """The last file in a backup, so that one that is cut short has none.

    `lake_schema` is None where there was no lake yet; `left_out` says what is not in it, and why.
    """

    version: str
    made_at: str
    files: tuple[Entry, ...]
    lake_schema: int | None = None
    left_out: tuple[str, ...] = ()
    format: int = FORMAT

    def has(self, prefix: str) -> bool:
        """Whether it holds something of that kind."""
        return any(entry.name.startswith(prefix) for entry in self.files)


def check(manifest: Manifest, *, version: str, lake_schema: int) -> None:
    """Whether this program, of `version`, may restore it.

    Raises:
        BadBackup: a newer program wrote it, whose files this one might not understand.
    """
    newer = _numbers(manifest.version) > _numbers(version) or manifest.format > FORMAT
    if newer or (manifest.lake_schema or 0) > lake_schema:
        raise BadBackup(
            f"the backup is of Trafficmon {manifest.version} (lake schema {manifest.lake_schema}), "
            f"this is {version} (lake schema {lake_schema}): install that version first"
        )


def is_safe(name: str) -> bool:
    """Whether a name stays inside the folder that it is put into."""
    parts = name.split("/")
    return not name.startswith("/") and not {"", ".", ".."} & set(parts)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
