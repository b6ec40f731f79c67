"""Writes docs/configuration.md from the settings themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from streaming.settings.explain import model_in
from streaming.settings.model import FILES, Settings

PAGE = Path("docs/configuration.md")
INTRODUCTION = """\
# Settings

Six files in `config/`, each of which may be missing, and the environment, which has the last
word. `trafficmon config check` reads all of it and lists every problem, each in one line that
names the file, its line and the setting; it exits with 1 if there is one. An unknown name is an
error, with the nearest known one, and so is a name that is there twice.

`trafficmon config show` prints what is in force and where each value came from: `default`, a file
with its line, a variable, or the note of the running services. `config show serving` shows the
settings that begin so, `--changed` those that are not at their default, `--format json` the same
for programs. Secrets are masked. It works while a setting is wrong, and says which.

## How values are written

**Text is what is written.** A camera's `id: 010` is `010`, not 8; a password `0123`, a name `1.10`,
`12:30:45`, `on` or `2024-05-01` stay as they are, with quotes or without. Numbers are those of
YAML 1.2: `010` is ten, `0o17` and `0x1F` are octal and hexadecimal, `1e3` is a thousand. Where
true or false is wanted, `yes`, `no`, `on` and `off` will do. `null`, `~` and nothing at all unset a
setting that may be unset.

- Any value in a file may be, or hold, `${VARIABLE}` or `${VARIABLE:-default}`.
- Any setting can be given as `TRAFFICMON_` and its path, joined by two underscores:
  `TRAFFICMON_DETECTION__INTERVAL_S=0.5`, `TRAFFICMON_SERVING__API__PORT=5001`. The setting decides
  how it is read: text as text, whatever sign it begins with; lists and mappings as in YAML,
  `TRAFFICMON_SIMULATOR__DEAD_KEYS=[sim-1]`.
- One pair of quotes around a variable's value, blanks, Windows line ends and a byte order mark are
  taken away: env files, systemd and Docker may leave them there. A line break inside a value is an
  error. An empty variable counts as unset.
- Four have names of their own: `KAFKA_BOOTSTRAP_SERVERS`, `REDIS_URL`,
  `TRAFFICMON_PROVIDER_BASE_URL`, `TRAFFICMON_LAKE_CATALOG`.
- `CAMERAS="rtsp://… video.mp4"` replaces the cameras; a path with a space wants quotes inside.
  `DASHSCOPE_API_KEY="sk-a,sk-b"` gives keys where the file has none. With neither keys nor
  `provider.base_url` the embedded simulator answers, and nothing leaves the machine.
- `TRAFFICMON_CONFIG_DIR`, `TRAFFICMON_STATE_DIR` (`.trafficmon`), `TRAFFICMON_LOGS_DIR` (`logs`)
  and `TRAFFICMON_REPORTS_DIR` (`reports`) move the folders.

**A camera's address** that cannot be opened as it is written is refused: a `/`, `?` or `#` in its
user or password must be percent-encoded (`%2F`, `%3F`, `%23`), as in
`rtsp://admin:pa%2Fss@10.0.0.5/1`; `@` and `:` in a password may stand. A missing host, a wrong
port and an unknown scheme are told too, by the setting's name and without the password.

**The language of descriptions** follows the environment (`prompt.language: auto`): Chinese where
LC_ALL, LC_MESSAGES or LANG, the first of them that is set, names Chinese; English where it names
any other language; Chinese, as the guide promises, where it is unset, `C` or `POSIX`. `config
check` says which it is, `promptVersion` (`zh-1`, `en-1`) of each verdict in which it was asked. The
wall begins in the same language, or in the browser's where the environment names none.

Where the embedded Kafka, Redis or another part had to take another port than its default, every
process finds it through `endpoints.json` in the state folder; an address that you set stands.

A topic is a name, or a mapping with what differs from its defaults:
`assessment_tasks: {name: assessment-tasks, partitions: 32}`.

The guide's files are accepted as they stand, also its pieces of `kafka.yaml` without the line
`kafka:` above them. `enable_auto_commit: true`, `acks: 0` or `1` and `auto_offset_reset: latest`
are read and overridden, each with one warning that says why.

Secrets are shown in no error, log line or list of settings. A password, key or token of fewer
than 8 characters is not looked for in log lines: it would mask innocent words.

This page is written by `python -m streaming.settings.document`; a test fails when it is out of
date.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for file, sections in FILES.items():
        parts.append(f"\n## config/{file}\n\n")
        parts.append("| setting | type | default | what it is |\n|---|---|---|---|\n")
        for section in sections:
            field = Settings.model_fields[section]
            parts.extend(_rows(section, field, field.default))
    return "".join(parts)


def _rows(path: str, field: FieldInfo, default: Any) -> Iterator[str]:
    inner = model_in(field.annotation)
    if inner is None:
        kind = _type(field.annotation) + _bounds(field)
        yield f"| `{path}` | {kind} | {_default(field, default)} | {field.description} |\n"
        return
    in_list = get_origin(field.annotation) is tuple
    for name, child in inner.model_fields.items():
        known = child.default if in_list or default is None else getattr(default, name)
        yield from _rows(f"{path}[].{name}" if in_list else f"{path}.{name}", child, known)


def _type(annotation: Any) -> str:
    arguments = [a for a in get_args(annotation) if a not in {type(None), Ellipsis}]
    if get_origin(annotation) is tuple:
        return f"list of {_type(arguments[0])}"
    if get_origin(annotation) is Literal:
        return ", ".join(dict.fromkeys(f"`{a}`" for a in arguments))
    if arguments and get_origin(annotation) is not dict:
        return _type(arguments[0])
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(annotation, "secret" if annotation is SecretStr else "mapping")


def _bounds(field: FieldInfo) -> str:
    """As `, 1 to 100`, from the field's constraints."""
    low, high = _constraint(field, "ge"), _constraint(field, "le")
    above, step = _constraint(field, "gt"), _constraint(field, "multiple_of")
    words = [
        f"{low} to {high}" if low and high else None,
        f"{low} or more" if low and not high else None,
        f"over {above}" if above else None,
        f"up to {high}" if high and not low else None,
        f"a multiple of {step}" if step else None,
    ]
    return "".join(f", {word}" for word in words if word)


def _constraint(field: FieldInfo, name: str) -> str | None:
    number = next((getattr(m, name) for m in field.metadata if hasattr(m, name)), None)
    if number is None:
        return None
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _default(field: FieldInfo, default: Any) -> str:
    if field.is_required() and not isinstance(default, str):
        return "required"
    if isinstance(default, tuple):
        default = ", ".join(map(str, default)) or "none"
    if isinstance(default, bool):
        default = str(default).lower()
    if isinstance(default, float):
        default = f"{default:g}"
    return "unset" if default is None or default in ("", {}) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
