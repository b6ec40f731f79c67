"""Settings that follow their files while a daemon runs: a poll, with no event loop and no clock.

A change counts once two polls in a row have seen the same files: an editor may empty a file
before it writes it. What was readable stays in force until something readable replaces it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streaming.errors import ConfigError
from streaming.settings.environment import cleaned
from streaming.settings.load import load, read
from streaming.settings.model import FILES, Settings
from streaming.settings.sources import config_folder

_Signature = tuple[tuple[int, int, int] | None, ...]


def watch_keys(
    in_force: Settings,
    on_problem: Callable[[ConfigError], None],
    *,
    config_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> "SettingsWatch":
    """A watch over config/, as long as the keys in force come from there.

    With keys from the environment, or the simulator's own, nothing is watched: a first key in
    a file changes the provider as well, which takes a restart. Nor is it for settings that
    were never in the files, as a benchmark's.
    """
    environ = cleaned(os.environ if environ is None else environ)
    folder = config_folder(config_dir, environ)
    now, draft = read(config_dir, environ)
    from_file = draft.source(("api_keys",)) == str(folder / "api_keys.yaml")
    known = now is None or not _secrets(now).isdisjoint(_secrets(in_force))
    watched = from_file and known and not in_force.simulated
    paths = tuple(folder / name for name in FILES) if watched else ()
    return SettingsWatch(paths, lambda: load(config_dir, environ), in_force, on_problem)


@dataclass(slots=True)
class SettingsWatch:
    """Looks at `paths` on every `changed()` and calls `load` when they are others than before.

    `on_problem` gets each problem once, however often it is seen.
    """

    paths: Sequence[Path]
    load: Callable[[], Settings]
    in_force: Settings
    on_problem: Callable[[ConfigError], None]
    _seen: _Signature | None = field(default=None, init=False)
    _done_with: _Signature | None = field(default=None, init=False)
    _filled: set[Path] = field(default_factory=set, init=False)
    _reported: str = field(default="", init=False)

    def changed(self) -> Settings | None:
        """The new settings, now in `in_force`; None while there are none. Call it every second."""
        if not self.paths:
            return None
        now = tuple(map(_signature, self.paths))
        settled, self._seen = now == self._seen, now
        self._filled |= {path for path, found in zip(self.paths, now, strict=True) if _full(found)}
        if not settled or now == self._done_with:
            return None
        try:
            found = self._read(now)
        except ConfigError as exc:
            self._report(exc)
            found = self.in_force
        else:
            self._reported = ""
        if tuple(map(_signature, self.paths)) != now:  # changed while it was being read
            return None
        self._done_with = now
        if found == self.in_force:
            return None
        self.in_force = found
        return found

    def _read(self, now: _Signature) -> Settings:
        for path, found in zip(self.paths, now, strict=True):
            if path in self._filled and not _full(found):
                state = "is gone" if found is None else "is empty"
                raise ConfigError(f"{path}: {state}; what it said stays in force until a restart")
        found_settings = self.load()
        if found_settings.simulated and not self.in_force.simulated:
            raise ConfigError(
                "api_keys: the last key is gone; the keys in force stay until a restart"
            )
        return found_settings

    def _report(self, problem: ConfigError) -> None:
        if str(problem) != self._reported:
            self._reported = str(problem)
            self.on_problem(problem)


def _secrets(settings: Settings) -> set[str]:
    return {key.key.get_secret_value() for key in settings.api_keys}


def _signature(path: Path) -> tuple[int, int, int] | None:
    """When it was written, its size in bytes and its inode; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _full(signature: tuple[int, int, int] | None) -> bool:
    return signature is not None and signature[1] > 0
