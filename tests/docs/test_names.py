"""Whatever a page names exists: commands with their options, targets, files, settings, metrics.

It reads and calls nothing, so it also guards what no test can run.
"""

import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from streaming.cli import trafficmon
from streaming.lake.tables import TABLES
from streaming.lake.views import VIEWS
from streaming.metrics import Metrics
from streaming.settings import document, sources
from streaming.settings.model import FILES, Settings
from tests.docs import names

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
)
OUR_PACKAGES = ("streaming", "trafficmon_dagster", "training")
KEPT_BY_THE_USER = ("config.backup", "docs/decisions/NNNN", "config/own")
"""Beginnings of paths that are examples, not files of the repository."""


@cache
def code(page: str) -> tuple[str, ...]:
    return tuple(names.code((ROOT / page).read_text(encoding="utf-8")))


def parsed(arguments: list[str]) -> str | None:
    """Why `trafficmon` would not take these arguments; None if it would."""
    command: click.Command = trafficmon
    rest = list(arguments)
    while isinstance(command, click.Group):
        if not rest or not re.fullmatch(r"[a-z-]+", rest[0]):
            return None  # the command itself, or a placeholder
        if rest[0] not in command.commands:
            return f"no command {rest[0]!r}"
        command = command.commands[rest.pop(0)]
    if command.context_settings.get("ignore_unknown_options"):
        return None  # handed on to another program
    rest = [word for word in rest if word != "…" and not word.startswith(("<", "[<"))]
    flags = [p for p in command.params if isinstance(p, click.Option) and p.is_flag]
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    for word in rest:
        if word.startswith("--") and word.split("=")[0] not in known | {"--help"}:
            return f"no option {word!r}"
    with_value = {name for p in command.params if p not in flags for name in p.opts}
    places = [
        word
        for before, word in zip(["", *rest], rest, strict=False)
        if not word.startswith("-") and before not in with_value
    ]
    for argument, word in zip(
        (p for p in command.params if isinstance(p, click.Argument)), places, strict=False
    ):
        choices = argument.type.choices if isinstance(argument.type, click.Choice) else None
        if choices and word not in choices:
            return f"{word!r} is none of {', '.join(map(str, choices))}"
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_takes_the_options_that_a_page_gives_it(page):
    wrong = [
        f"trafficmon {shlex.join(arguments)}: {why}"
        for line in code(page)
        for arguments in names.calls(line, "trafficmon")
        if (why := parsed(arguments))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("trafficmon bench lake --rows 5", None),
        ("trafficmon bench lake --lines 5", "no option '--lines'"),
        ("nice -n 19 .venv/bin/trafficmon launch", "no command 'launch'"),
        ("trafficmon run detection --instance-id 2", None),
        ("trafficmon run detector", "'detector' is none of"),
        ("trafficmon cameras add|delete", "no command 'delete'"),
    ],
)
def test_a_wrong_command_is_noticed(line, why):
    said = [parsed(arguments) for arguments in names.calls(line, "trafficmon")]
    assert any(why in (each or "") for each in said) if why else said == [None]


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_exists(page):
    named = {
        word
        for line in code(page)
        if line.startswith("make ")
        for arguments in names.calls(line, "make")
        for word in arguments
        if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")
    }
    assert not named - targets()


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_python_is_to_run_exists(page):
    """Looked for as files: to import them would change the process."""
    named = {found for line in code(page) for found in re.findall(r"python3? -m ([\w.]*\w)", line)}
    ours = {ROOT.joinpath(*name.split(".")) for name in named if name.split(".")[0] in OUR_PACKAGES}
    assert not [
        path for path in ours if not path.is_dir() and not path.with_suffix(".py").is_file()
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_exists(page):
    gone = [
        path
        for line in code(page)
        for path in names.files(line)
        if not path.startswith(KEPT_BY_THE_USER) and not any(ROOT.glob(path.rstrip("/")))
    ]
    assert not gone


@cache
def settings() -> frozenset[str]:
    """Full names of all settings, and of what they stand in; list items as []."""
    rows = (
        row
        for sections in FILES.values()
        for section in sections
        for row in document._rows(
            section, Settings.model_fields[section], Settings.model_fields[section].default
        )
    )
    whole = {row.split("`")[1] for row in rows}
    parts = {name.rsplit(".", n)[0] for name in whole for n in range(1, name.count(".") + 1)}
    return frozenset(whole | parts | {name.replace("[]", "") for name in whole | parts})


def exists(setting: str) -> bool:
    wanted = re.compile(
        re.escape(re.sub(r"\[\d+\]", "[]", setting)).replace("…", ".*").replace(r"\*", ".*")
    )
    return any(wanted.fullmatch(name) for name in settings())


OF_THE_LAKE = "|".join(each.name for each in (*TABLES, *VIEWS))
OTHER_NAMES = re.compile(
    rf"\w+\.(?:md|yaml|yml|json|py|html|log|conf|service)$|lake\.(?:{OF_THE_LAKE})$"
)
"""What only looks like a setting: files, and the lake's tables and views in SQL."""


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_exists(page):
    wrong = {
        setting
        for line in code(page)
        for setting in names.settings(line)
        if not OTHER_NAMES.match(setting) and not exists(setting)
    }
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_of_the_environment_exists(page):
    own = {*sources.NAMED_VARIABLES, sources.CONFIG_DIR}
    wrong = {
        variable
        for line in code(page)
        for variable in names.variables(line)
        if variable not in own
        and not exists(variable.removeprefix("TRAFFICMON_").lower().replace("__", "."))
    }
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_exists(page):
    families = list(Metrics().registry.collect())
    known = {sample for family in families for sample in (family.name, f"{family.name}_total")}
    known |= {f"{family.name}_{end}" for family in families for end in ("bucket", "sum", "count")}
    assert not {name for line in code(page) for name in names.metrics(line)} - known
