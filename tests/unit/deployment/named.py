"""What the files under deployment/ name: commands, variables, ports, paths, modules. Pure.

Read from YAML as it is meant, from every other file (units, scripts, Dockerfiles) as text.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
DEPLOYMENT = ROOT / "deployment"

_IN_BACKTICKS = re.compile(r"`(trafficmon [^`\n]+)`")
_ON_A_LINE = re.compile(
    r"^\s*(?:Exec\w+=[-+!@]*|exec |\$ |RUN )?(?:[\w${}./-]*/)?(trafficmon\s+[a-z].*)$", re.MULTILINE
)
_AS_A_LIST = re.compile(r'(\["trafficmon"[^\]]*\])')
_VARIABLE = re.compile(
    r"(?<!\$\{)\b(TRAFFICMON_[A-Z0-9_]*[A-Z0-9]|KAFKA_BOOTSTRAP_SERVERS|REDIS_URL|CAMERAS|DASHSCOPE_API_KEY)\b"
)
_PORT = re.compile(
    r"(?:[\w}.-]*[a-z}][\w.-]*|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d{4,5})\b"
    r"|(?:--port|-p|[pP]ort:)[ =]\"?(\d{4,5})\b"
)
_PATH = re.compile(
    r"(?<![\w./$}-])((?:deployment|config|docs|scripts|streaming|tests|trafficmon_dagster)/[\w./-]*\w)"
)
_OF_THE_READER = {"deployment/.env"}
"""Made by whoever deploys, from an example that is there."""
_MODULE = re.compile(r"-m[\" ,]+((?:streaming|trafficmon_dagster)[\w.]*)")


def files() -> list[Path]:
    """Every text file under deployment/, so that a new one is looked at without being named."""
    return [path for path in sorted(DEPLOYMENT.rglob("*")) if path.is_file() and not _binary(path)]


def commands(path: Path) -> list[list[str]]:
    """Each `trafficmon …` in the file, word by word, without what comes before `trafficmon`."""
    text = path.read_text(encoding="utf-8")
    found = [shlex.split(words) for words in _IN_BACKTICKS.findall(text)]
    if path.suffix in {".yaml", ".yml"}:
        for document in documents(path):
            found += _commands_in(document)
    else:
        # A comment is no command, and a line that ends with a backslash goes on.
        code = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))
        found += [shlex.split(words, comments=True) for words in _ON_A_LINE.findall(code)]
        found += [yaml.safe_load(words) for words in _AS_A_LIST.findall(code)]
    return found


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file."""
    return [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d is not None]


def variables(path: Path) -> set[str]:
    """Names of our variables."""
    return set(_VARIABLE.findall(path.read_text(encoding="utf-8")))


def ports(path: Path) -> set[int]:
    """Numbers that stand where a port does."""
    text = path.read_text(encoding="utf-8")
    return {int(port) for found in _PORT.findall(text) for port in found if port}


def paths(path: Path) -> set[str]:
    """Paths in the repository."""
    return set(_PATH.findall(path.read_text(encoding="utf-8"))) - _OF_THE_READER


def modules(path: Path) -> set[str]:
    """Modules of ours that are run with -m."""
    return set(_MODULE.findall(path.read_text(encoding="utf-8")))


def _commands_in(value: Any) -> Iterator[list[str]]:
    match value:
        case ["trafficmon", _, *_]:
            yield [str(word) for word in value]
        case str() if value.startswith("trafficmon ") and "\n" not in value:
            yield shlex.split(value)
        case list():
            for item in value:
                yield from _commands_in(item)
        case dict():
            for item in value.values():
                yield from _commands_in(item)


def _binary(path: Path) -> bool:
    return b"\0" in path.read_bytes()[:4096]
