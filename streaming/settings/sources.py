"""Where settings come from: files, the note of running services, variables."""

import difflib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from streaming.settings import yaml_files
from streaming.settings.cameras import cameras_of
from streaming.settings.draft import Draft, Place, spelled
from streaming.settings.environment import language_of, unquoted
from streaming.settings.explain import paths
from streaming.settings.kafka import DEFAULT_BOOTSTRAP_SERVERS, KafkaSettings
from streaming.settings.model import FILES, Settings
from streaming.settings.redis import DEFAULT_REDIS_URL
from streaming.settings.scalars import Plain, annotation_at, as_wanted, holds_several
from streaming.settings.serving import LOOPBACK, http_address

PREFIX = "TRAFFICMON_"
CONFIG_DIR = "TRAFFICMON_CONFIG_DIR"
NAMED_VARIABLES: dict[str, Place] = {
    "TRAFFICMON_STATE_DIR": ("state_dir",),
    "TRAFFICMON_LOGS_DIR": ("logs_dir",),
    "TRAFFICMON_REPORTS_DIR": ("reports_dir",),
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "REDIS_URL": ("redis", "url"),
    "TRAFFICMON_PROVIDER_BASE_URL": ("provider", "base_url"),
    "TRAFFICMON_LAKE_CATALOG": ("lake", "catalog"),
}
DEFAULT_SIMULATOR_PORT = 8900
SIMULATED_KEYS = 3
SIMULATED = "the simulator, as there is no key"
"""What set the provider's address and keys when nobody did."""
ENDPOINT_DEFAULTS: dict[str, str | int] = {
    "kafka.bootstrap_servers": DEFAULT_BOOTSTRAP_SERVERS,
    "redis.url": DEFAULT_REDIS_URL,
    "simulator.port": DEFAULT_SIMULATOR_PORT,
    "serving.api.port": 5000,
    "serving.dagster.port": 3001,
}


def config_folder(config_dir: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder of the files: the one asked for, the variable's, or `config`."""
    return Path(config_dir or environ.get(CONFIG_DIR) or "config").expanduser()


def from_files(draft: Draft, config_dir: Path | None, environ: Mapping[str, str]) -> None:
    """The six files, as far as they are there."""
    named = environ.get(CONFIG_DIR)
    folder = config_folder(config_dir, environ)
    if not folder.is_dir():
        if config_dir or named:
            asked_by = "" if config_dir else f"{CONFIG_DIR}: "
            draft.problems.append(f"{asked_by}there is no folder {folder}")
        return
    draft.problems += [
        f"{path}: is not read; its name must be {path.stem}.yaml"
        for path in sorted(folder.glob("*.yml"))
        if f"{path.stem}.yaml" in FILES
    ]
    names = {path.rsplit(".", 1)[-1] for path in paths(Settings)} | Settings.model_fields.keys()
    for file, sections in FILES.items():
        path = folder / file
        parsed = yaml_files.read(path, draft.problems, names)
        for key, value in parsed.value.items():
            place, where = _place(file, key), f"{path}:{parsed.lines[key,]}"
            if place is None:
                draft.problems.append(f"{where}: {key} {_no_setting(key, sections)}")
            elif draft.sets(place):
                draft.problems.append(f"{where}: {key} is there twice")
            else:
                draft.lines |= {
                    (*place, *inside[1:]): (str(path), line)
                    for inside, line in parsed.lines.items()
                    if inside[:1] == (key,)
                }
                filled = yaml_files.fill(draft, place, value, environ, str(path))
                wanted = as_wanted(filled, annotation_at(Settings, place))
                if wanted is not None:
                    draft.put(place, wanted, str(path))


def _place(file: str, key: str) -> Place | None:
    if key in FILES[file]:
        return (key,)
    # The guide shows pieces of this file without the line above them.
    return ("kafka", key) if file == "kafka.yaml" and key in KafkaSettings.model_fields else None


def _no_setting(key: str, sections: tuple[str, ...]) -> str:
    home = next((file for file, inside in FILES.items() if key in inside), None)
    if home:
        return f"does not belong here; it belongs in {home}"
    close = difflib.get_close_matches(key, sections, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]}?" if close else f"this file holds {', '.join(sections)}"
    return f"is not a setting; {meant}"


def from_endpoints(draft: Draft, environ: Mapping[str, str]) -> None:
    """Where the embedded services of this state folder really listen."""
    path = Path(environ.get("TRAFFICMON_STATE_DIR") or ".trafficmon") / "endpoints.json"
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name, default in ENDPOINT_DEFAULTS.items():
        place = tuple(name.split("."))
        value = noted.get(name) if isinstance(noted, dict) else None
        if type(value) is type(default) and draft.get(place) in (None, default):
            draft.put(place, value, str(path))


def from_environment(draft: Draft, environ: Mapping[str, str]) -> None:
    """Variables, cleaned, have the last word."""
    try:
        sources = shlex.split(environ.get("CAMERAS", ""))
    except ValueError as exc:
        sources = []
        draft.problems.append(f"CAMERAS: {str(exc).lower()}")
    if sources:
        draft.put(("cameras",), cameras_of(sources), "CAMERAS")
    for variable, text in sorted(environ.items()):
        place = NAMED_VARIABLES.get(variable)
        if place is None and variable.startswith(PREFIX) and "__" in variable:
            place = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if place is None:
            continue
        if any(isinstance(draft.get(place[:n]), list) for n in range(1, len(place))):
            draft.problems.append(f"{variable}: {place[0]} is a list, which only a file can change")
            continue
        try:
            draft.put(place, _value(text, annotation_at(Settings, place)), variable)
        except yaml.YAMLError:
            draft.problems.append(f"{variable}: not YAML")
        except ValueError as exc:
            draft.problems.append(f"{variable}: {spelled(place)} {exc}")


def _value(text: str, annotation: Any) -> Any:
    """A list or mapping as in YAML; anything else is a scalar alone, whatever signs it begins with.

    Raises:
        yaml.YAMLError, ValueError: it is none.
    """
    if text[0] in "[{" and holds_several(annotation):
        parsed = yaml_files.parse(text)
        if parsed.twice:
            raise ValueError(f"has a name twice, in its line {parsed.twice[0][1]}")
        return as_wanted(parsed.value, annotation)
    if "\n" in text or "\r" in text:
        raise ValueError("must be one line: there is a line break in it")
    return as_wanted(Plain(text), annotation)


def language(draft: Draft, environ: Mapping[str, str]) -> None:
    """`prompt.language: auto` becomes the language that the environment names, if it names one."""
    found = language_of(environ)
    section = draft.get(("prompt",))
    if found is None or not isinstance(section, dict | None):
        return
    if (section or {}).get("language", "auto") == "auto":
        draft.put(("prompt", "language"), *found)


def keys_or_simulator(draft: Draft, environ: Mapping[str, str]) -> None:
    """Number the keys; with none, and no provider named, the simulator answers."""
    section: Place = ("api_keys",)
    if not draft.get(section):
        given = map(unquoted, environ.get("DASHSCOPE_API_KEY", "").split(","))
        keys = [{"key": key} for key in given if key]
        draft.put(section, keys, "DASHSCOPE_API_KEY" if keys else draft.source(section))
    keys = draft.get(section)
    if isinstance(keys, list) and keys:
        numbered = enumerate(keys, 1)
        draft.values["api_keys"] = [
            {"id": f"key_{number}"} | key if isinstance(key, dict) else key
            for number, key in numbered
        ]
    elif not keys and not draft.get(("provider", "base_url")):
        host = draft.get(("simulator", "host")) or LOOPBACK
        port = draft.get(("simulator", "port")) or DEFAULT_SIMULATOR_PORT
        url = f"{http_address(str(host), port)}/v1"
        draft.put(("provider", "base_url"), url, SIMULATED)
        simulated = [{"id": f"sim-{n}", "key": f"sim-{n}"} for n in range(1, SIMULATED_KEYS + 1)]
        draft.put(section, simulated, SIMULATED)
        draft.values["simulated"] = True
    elif not keys and not draft.problems:
        draft.problems.append(
            f"{draft.source(('provider', 'base_url'))}: provider.base_url is set and there is no "
            "key; add one to api_keys.yaml or DASHSCOPE_API_KEY (any text, where none is asked for)"
        )
