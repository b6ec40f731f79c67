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

Settings come from six files in `config/`, each of which may be missing, and from the environment,
which takes precedence.

- `trafficmon config check` reads everything and lists every problem with the file, the line and
  the setting; it exits with 1 if there is one. Unknown names are errors, with the nearest known
  name as a suggestion, and so are names that occur twice.
- `trafficmon config show` prints the values in force and where each comes from: `default`, a file
  and line, a variable, or the running services. `trafficmon config show serving` prints the
  settings that begin with that name, `--changed` those that differ from their default, and
  `--format json` the same for programs. Secrets are masked. It also works while a setting is wrong.

## How values are written

**Text is taken literally.** A camera's `id: 010` is `010`, not 8. A password `0123`, a name `1.10`,
`12:30:45`, `on` or `2024-05-01` stay as they are, with or without quotes.

**Numbers** follow YAML 1.2: `010` is ten, `0o17` is octal, `0x1F` is hexadecimal, and `1e3` is a
thousand. For true and false, `yes`, `no`, `on` and `off` are accepted as well. `null`, `~` or an
empty value unset an optional setting.

**Variables in files.** Any value may be, or contain, `${VARIABLE}` or `${VARIABLE:-default}`.

**Settings in the environment.** Every setting can be given as `TRAFFICMON_` and its path, joined by
two underscores: `TRAFFICMON_DETECTION__INTERVAL_S=0.5`, `TRAFFICMON_SERVING__API__PORT=5001`. The
setting determines how the value is read: text as text, whatever character it begins with; lists
and mappings as YAML, such as `TRAFFICMON_SIMULATOR__DEAD_KEYS=[sim-1]`. One pair of quotes around
the value, blanks, Windows line ends and a byte order mark are removed, because env files, systemd
and Docker may leave them there. A line break inside a value is an error; an empty variable counts
as unset.

| variable | meaning |
|---|---|
| `KAFKA_BOOTSTRAP_SERVERS` | `kafka.bootstrap_servers` |
| `REDIS_URL` | `redis.url` |
| `TRAFFICMON_PROVIDER_BASE_URL` | `provider.base_url` |
| `TRAFFICMON_LAKE_CATALOG` | `lake.catalog` |
| `CAMERAS="rtsp://… video.mp4"` | replaces the cameras; a path with a space needs quotes inside |
| `DASHSCOPE_API_KEY="sk-a,sk-b"` | keys, where the file has none |
| `TRAFFICMON_CONFIG_DIR` | folder of the files (`config`) |
| `TRAFFICMON_STATE_DIR` | folder of the data (`.trafficmon`) |
| `TRAFFICMON_LOGS_DIR` | folder of the logs (`logs`) |
| `TRAFFICMON_REPORTS_DIR` | folder of the reports (`reports`) |

**Without keys** and without `provider.base_url`, the embedded simulator answers, and nothing leaves
the machine.

**Camera addresses** that cannot be opened as written are refused, by the setting's name and without
the password. A `/`, `?` or `#` in the user or password must be percent-encoded (`%2F`, `%3F`,
`%23`), as in `rtsp://admin:pa%2Fss@10.0.0.5/1`; `@` and `:` may stay.

**Language of the descriptions.** `prompt.language: auto` follows the first of LC_ALL, LC_MESSAGES
and LANG that is set: Chinese or English. If none is set, or it is `C` or `POSIX`, descriptions are
in Chinese, as the guide promises. `trafficmon config check` prints the language, and each verdict
records it in `promptVersion` (`zh-1`, `en-1`). The wall starts in the same language, or in the
browser's if the environment names none.

**Ports.** If an embedded server had to take another port than its default, all processes find it
through `endpoints.json` in the state folder. Addresses that you set always apply.

**Topics** are a name, or a mapping with what differs from the defaults:
`assessment_tasks: {name: assessment-tasks, partitions: 32}`.

**The guide's files** are accepted unchanged, including parts of `kafka.yaml` without the line
`kafka:` above them. `enable_auto_commit: true`, `acks: 0` or `1` and `auto_offset_reset: latest`
are overridden, each with one warning that says why.

**Secrets** appear in no error, log line or list of settings. Passwords, keys and tokens with fewer
than 8 characters are not masked in log lines, because that would also mask ordinary words.

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
